//! Contents of the demonstration: services, incidents, maintenances, status changes and templates.

use crate::model::{
    IncidentStatus::{self, Completed, Identified, InProgress, Investigating, Monitoring, Resolved, Scheduled},
    ServiceStatus::{self, Degraded, MajorOutage, Operational, PartialOutage, UnderMaintenance},
};

/// The groups and their services: name, description.
pub const GROUPS: &[(&str, &[(&str, &str)])] = &[
    (
        "Core platform",
        &[
            ("API", "REST API and webhooks"),
            ("Dashboard", "Web app"),
            ("Authentication", "Login and single sign-on"),
            ("Search", "Full-text search across all documents"),
        ],
    ),
    (
        "Payments",
        &[
            ("Checkout", "Card and invoice payments"),
            ("Payouts", "Transfers to bank accounts"),
            ("Invoices", "PDF invoices by e-mail"),
        ],
    ),
    (
        "Infrastructure",
        &[("EU region", "Frankfurt and Dublin"), ("US region", "Virginia and Oregon"), ("CDN", "Images and downloads")],
    ),
    ("Communication", &[("E-mail", "Notifications and receipts"), ("SMS", "Login codes and alerts")]),
];

/// Status changes without an incident: days ago, minute of the day, duration in minutes, service, status.
pub const CHANGES: &[(i64, i64, i64, &str, ServiceStatus)] = &[
    (80, 480, 240, "Invoices", Degraded),
    (71, 545, 18, "API", PartialOutage),
    (64, 610, 180, "Search", Degraded),
    (58, 905, 27, "CDN", PartialOutage),
    (30, 660, 75, "SMS", PartialOutage),
];

/// An update: minutes after the beginning, status, message, service impacts.
pub type StoryUpdate = (i64, IncidentStatus, &'static str, &'static [(&'static str, ServiceStatus)]);

/// An incident or a maintenance.
pub struct Story {
    /// Days ago and the minute of that day; for an open incident, minutes ago and none.
    pub began: (i64, Option<i64>),
    pub title: &'static str,
    /// The length of the window in minutes; none for an incident.
    pub window: Option<i64>,
    pub updates: &'static [StoryUpdate],
    pub postmortem: Option<&'static str>,
}

const fn incident(began: (i64, Option<i64>), title: &'static str, updates: &'static [StoryUpdate]) -> Story {
    Story { began, title, window: None, updates, postmortem: None }
}

const fn maintenance(
    began: (i64, Option<i64>),
    title: &'static str,
    minutes: i64,
    updates: &'static [StoryUpdate],
) -> Story {
    Story { began, title, window: Some(minutes), updates, postmortem: None }
}

/// The incidents and maintenances, in no particular order.
pub const STORIES: &[Story] = &[
    incident(
        (52, Some(130)),
        "Login unavailable",
        &[
            (
                0,
                Investigating,
                "Users cannot log in at the moment. We are investigating.",
                &[("Authentication", MajorOutage)],
            ),
            (12, Resolved, "We replaced an expired certificate. Logging in works again.", &[]),
        ],
    ),
    maintenance(
        (45, Some(120)),
        "Kernel updates, EU region",
        60,
        &[
            (
                -4_320,
                Scheduled,
                "We will restart the hosts in the EU region one at a time. We do not expect any downtime.",
                &[("EU region", UnderMaintenance)],
            ),
            (0, InProgress, "", &[]),
            (60, Completed, "All hosts are running the new kernel.", &[]),
        ],
    ),
    maintenance(
        (44, Some(120)),
        "Kernel updates, US region",
        60,
        &[
            (
                -4_320,
                Scheduled,
                "We will restart the hosts in the US region one at a time. We do not expect any downtime.",
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
                "Some valid card payments are being declined. We are investigating.",
                &[("Checkout", PartialOutage)],
            ),
            (
                9,
                Identified,
                "Our card processor has confirmed a problem on their side. Payouts are on hold until it is fixed.",
                &[("Payouts", PartialOutage)],
            ),
            (
                64,
                Monitoring,
                "The processor has fixed its routing. Payments are going through again, and we are sending the delayed payouts.",
                &[("Checkout", Operational)],
            ),
            (79, Resolved, "All delayed payments and payouts have been processed.", &[]),
        ],
    ),
    Story {
        began: (23, Some(880)),
        title: "API unavailable after a database failover",
        window: None,
        updates: &[
            (0, Investigating, "Requests to the API are timing out. We are investigating.", &[("API", MajorOutage)]),
            (
                2,
                Investigating,
                "The dashboard is affected too: pages load, but changes cannot be saved.",
                &[("Dashboard", PartialOutage)],
            ),
            (
                14,
                Identified,
                "After a **failover of the primary database**, connection pools still point to the old primary. We are restarting them.",
                &[],
            ),
            (
                41,
                Monitoring,
                "All pools have reconnected and the API is responding. We are monitoring:\n\n- error rate: back to normal\n- webhooks: being delivered, about 20 minutes behind",
                &[("API", Operational), ("Dashboard", Degraded)],
            ),
            (
                71,
                Resolved,
                "All webhooks have been delivered and everything is working normally. We will publish a postmortem.",
                &[],
            ),
        ],
        postmortem: Some(
            "## What happened\n\nAt 14:40 UTC the primary database failed over within 9 seconds, as designed. Our connection pools did not notice: they kept their connections to the old primary open and sent every write there.\n\n## Why it took 41 minutes\n\nOur health checks only ran a *read*, which the old primary could still answer.\n\n## What we changed\n\n1. Health checks now write a row.\n2. Connection pools drop all connections when the address of the primary changes.\n3. We rehearse a failover every month during scheduled maintenance.",
        ),
    },
    incident(
        (16, Some(300)),
        "US region unreachable",
        &[
            (0, Investigating, "", &[("US region", MajorOutage)]),
            (11, Identified, "A network provider withdrew our routes by mistake. They are restoring them.", &[]),
            (
                33,
                Resolved,
                "The routes are back. In the meantime traffic went through the EU region; no data was lost.",
                &[],
            ),
        ],
    ),
    incident(
        (12, Some(400)),
        "Text messages delayed",
        &[
            (0, Investigating, "Login codes by text message arrive up to five minutes late.", &[("SMS", Degraded)]),
            (20, Resolved, "We switched to another carrier. Messages are arriving on time again.", &[]),
        ],
    ),
    incident(
        (9, Some(700)),
        "Slow search results",
        &[
            (0, Investigating, "Searches are taking several seconds.", &[("Search", Degraded)]),
            (35, Identified, "A large import is slowing down the index. We have throttled the import.", &[]),
            (95, Resolved, "", &[]),
        ],
    ),
    incident(
        (5, Some(560)),
        "E-mail notifications delayed",
        &[
            (0, Investigating, "E-mail notifications are delayed by up to 40 minutes.", &[("E-mail", Degraded)]),
            (48, Monitoring, "The cause is fixed and the backlog is being sent.", &[]),
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
                "Documents added today may be missing from search results. We are investigating.",
                &[("Search", Degraded)],
            ),
            (
                15,
                Identified,
                "One of three index nodes stopped accepting updates. We are rebuilding it. **No data is lost**, and results will be complete once it has caught up.",
                &[],
            ),
        ],
    ),
    maintenance(
        (-3, Some(120)),
        "Database upgrade, EU region",
        60,
        &[(
            -20_000,
            Scheduled,
            "We will upgrade the databases in the EU region. Expect two interruptions of less than a minute each.",
            &[("EU region", UnderMaintenance), ("API", Degraded)],
        )],
    ),
    maintenance(
        (-6, Some(270)),
        "Certificate rotation for single sign-on",
        30,
        &[(
            -20_000,
            Scheduled,
            "We will renew the certificates for single sign-on. Existing sessions stay valid.",
            &[("Authentication", UnderMaintenance)],
        )],
    ),
];

/// Templates: name, title, message.
pub const TEMPLATES: &[(&str, &str, &str)] = &[
    (
        "Slow response times",
        "{{services}}: slow response times",
        "Since {{time}}, {{services}} may respond more slowly than usual. We are investigating.",
    ),
    (
        "Provider outage",
        "Outage at a provider",
        "One of our providers has an outage that affects {{services}}. We are following their progress and will post updates here.",
    ),
];
