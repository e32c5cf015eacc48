//! What happened to the demonstration's services: incidents, works, and changes nobody wrote about.

use crate::model::{
    IncidentStatus::{self, Completed, Identified, InProgress, Investigating, Monitoring, Resolved, Scheduled},
    ServiceStatus::{self, Degraded, MajorOutage, Operational, PartialOutage, UnderMaintenance},
};

/// The groups and their services: name, description.
pub const GROUPS: &[(&str, &[(&str, &str)])] = &[
    (
        "Core platform",
        &[
            ("API", "REST and webhooks"),
            ("Dashboard", "Where teams work"),
            ("Authentication", "Sign-in and single sign-on"),
            ("Search", "Full-text search"),
        ],
    ),
    (
        "Payments",
        &[
            ("Checkout", "Card and invoice payments"),
            ("Payouts", "Transfers to bank accounts"),
            ("Invoices", "PDF and e-mail delivery"),
        ],
    ),
    (
        "Infrastructure",
        &[("EU region", "Frankfurt and Dublin"), ("US region", "Virginia and Oregon"), ("CDN", "Images and downloads")],
    ),
    ("Communication", &[("E-mail", "Notifications and receipts"), ("SMS", "Codes and alerts")]),
];

/// A change of a status without an incident: days ago, minute of the day, minutes it lasted, service, status.
pub const CHANGES: &[(i64, i64, i64, &str, ServiceStatus)] = &[
    (80, 480, 240, "Invoices", Degraded),
    (71, 545, 18, "API", PartialOutage),
    (64, 610, 180, "Search", Degraded),
    (58, 905, 27, "CDN", PartialOutage),
    (30, 660, 75, "SMS", PartialOutage),
];

/// One thing said: minutes after the beginning, the status, the words, and what is said of services.
pub type StoryUpdate = (i64, IncidentStatus, &'static str, &'static [(&'static str, ServiceStatus)]);

/// An incident or a maintenance.
pub struct Story {
    /// Days ago, and the minute of that day; for what goes on now, minutes ago and none.
    pub began: (i64, Option<i64>),
    pub title: &'static str,
    /// How long the window is, in minutes; none for an incident.
    pub window: Option<i64>,
    pub words: &'static [StoryUpdate],
    pub postmortem: Option<&'static str>,
}

const fn incident(began: (i64, Option<i64>), title: &'static str, words: &'static [StoryUpdate]) -> Story {
    Story { began, title, window: None, words, postmortem: None }
}

const fn work(began: (i64, Option<i64>), title: &'static str, minutes: i64, words: &'static [StoryUpdate]) -> Story {
    Story { began, title, window: Some(minutes), words, postmortem: None }
}

/// Everything that was said, in no particular order.
pub const STORIES: &[Story] = &[
    incident(
        (52, Some(130)),
        "Sign-in unavailable",
        &[
            (
                0,
                Investigating,
                "Nobody can sign in at the moment. We are looking into it.",
                &[("Authentication", MajorOutage)],
            ),
            (12, Resolved, "An expired certificate was replaced; sign-in works again.", &[]),
        ],
    ),
    work(
        (45, Some(120)),
        "Kernel updates, EU region",
        60,
        &[
            (
                -4_320,
                Scheduled,
                "We will restart the hosts of the EU region one after the other.",
                &[("EU region", UnderMaintenance)],
            ),
            (0, InProgress, "", &[]),
            (60, Completed, "All hosts run the new kernel.", &[]),
        ],
    ),
    work(
        (44, Some(120)),
        "Kernel updates, US region",
        60,
        &[
            (
                -4_320,
                Scheduled,
                "We will restart the hosts of the US region one after the other.",
                &[("US region", UnderMaintenance)],
            ),
            (0, InProgress, "", &[]),
            (60, Completed, "", &[]),
        ],
    ),
    incident(
        (37, Some(1_020)),
        "Card payments failing for some customers",
        &[
            (
                0,
                Investigating,
                "Some card payments are declined although the cards are fine.",
                &[("Checkout", PartialOutage)],
            ),
            (
                9,
                Identified,
                "Our card processor confirms a problem on its side. Payouts wait until it is solved.",
                &[("Payouts", PartialOutage)],
            ),
            (
                64,
                Monitoring,
                "The processor has repaired its routing. Payments go through; waiting payouts are being sent.",
                &[("Checkout", Operational)],
            ),
            (79, Resolved, "All payments and payouts are processed.", &[]),
        ],
    ),
    Story {
        began: (23, Some(880)),
        title: "API unavailable after a database failover",
        window: None,
        words: &[
            (0, Investigating, "Requests to the API time out. We are investigating.", &[("API", MajorOutage)]),
            (
                2,
                Investigating,
                "The dashboard is affected as well: it opens, but saving fails.",
                &[("Dashboard", PartialOutage)],
            ),
            (
                14,
                Identified,
                "A **failover of the primary database** left connection pools pointing at the old primary. We are restarting them.",
                &[],
            ),
            (
                41,
                Monitoring,
                "All pools are reconnected and the API answers. We keep watching:\n\n- error rate: back to normal\n- queue of webhooks: being delivered, about 20 minutes behind",
                &[("API", Operational), ("Dashboard", Degraded)],
            ),
            (71, Resolved, "Everything is delivered and works normally. We will publish what we learned.", &[]),
        ],
        postmortem: Some(
            "## What happened\n\nAt 14:40 UTC the primary database failed over within 9 seconds, as designed. Our connection pools did not notice: they kept connections to the old primary open and sent every write there.\n\n## Why it took 41 minutes\n\nHealth checks only ran a *read*, which the old primary still answered.\n\n## What we changed\n\n1. Health checks write a row.\n2. Pools drop all connections when the primary's address changes.\n3. A failover is rehearsed every month, in the maintenance window.",
        ),
    },
    incident(
        (16, Some(300)),
        "US region unreachable",
        &[
            (0, Investigating, "", &[("US region", MajorOutage)]),
            (11, Identified, "A network provider withdrew our routes by mistake.", &[]),
            (
                33,
                Resolved,
                "Routes are announced again. Traffic was rerouted through the EU region meanwhile; no data was lost.",
                &[],
            ),
        ],
    ),
    incident(
        (12, Some(400)),
        "Text messages delayed",
        &[
            (0, Investigating, "Codes by text message arrive up to five minutes late.", &[("SMS", Degraded)]),
            (20, Resolved, "Messages go through another carrier and arrive in time.", &[]),
        ],
    ),
    incident(
        (9, Some(700)),
        "Slow search results",
        &[
            (0, Investigating, "Searches take several seconds.", &[("Search", Degraded)]),
            (35, Identified, "A large import keeps the index busy. We have slowed the import down.", &[]),
            (95, Resolved, "", &[]),
        ],
    ),
    incident(
        (5, Some(560)),
        "E-mail notifications delayed",
        &[
            (0, Investigating, "Notifications by e-mail are delayed by up to 40 minutes.", &[("E-mail", Degraded)]),
            (48, Monitoring, "The queue is being worked off.", &[]),
            (150, Resolved, "All delayed messages have been delivered.", &[]),
        ],
    ),
    incident(
        (26, None),
        "Search results are incomplete",
        &[
            (
                0,
                Investigating,
                "Documents added today may be missing from search results. We are looking into it.",
                &[("Search", Degraded)],
            ),
            (
                15,
                Identified,
                "One of three index nodes has stopped taking updates. We are rebuilding it; **nothing is lost**, and results will be complete once it has caught up.",
                &[],
            ),
        ],
    ),
    work(
        (-3, Some(120)),
        "Database upgrade, EU region",
        60,
        &[(
            -20_000,
            Scheduled,
            "We will upgrade the databases of the EU region. Expect two interruptions of less than a minute each.",
            &[("EU region", UnderMaintenance), ("API", Degraded)],
        )],
    ),
    work(
        (-6, Some(270)),
        "Certificate rotation for sign-in",
        30,
        &[(
            -20_000,
            Scheduled,
            "Certificates for single sign-on are renewed. Sessions stay valid.",
            &[("Authentication", UnderMaintenance)],
        )],
    ),
];

/// Templates: name, title, message.
pub const TEMPLATES: &[(&str, &str, &str)] = &[
    (
        "Something is slow",
        "{{services}} slow",
        "{{services}} answers slower than usual since {{time}}. We are looking into it.",
    ),
    (
        "Provider outage",
        "Trouble at a provider",
        "One of our providers has an outage that affects {{services}}. We follow their progress and report here.",
    ),
];
