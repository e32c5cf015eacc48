//! Incidents and maintenances on the live feeds: who hears what, and that what is heard adds up to what is there.

use serde_json::{Value, json};

use crate::{
    model::{Applied, Frame, PublicStatus, StatusPage},
    tests::support::{
        app::TestApp,
        clients::{Team, id_of, impacts, incident_path, path_of, update_path},
        endpoints::path_to,
        fixtures::NOW,
        sockets::Socket,
    },
};

#[tokio::test]
async fn an_incident_reaches_members_as_it_is_and_visitors_without_what_is_private() {
    let app = TestApp::at(NOW).await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let mut readers = [port.public_feed(&team, None).await, port.member_feed(&team).await];
    for reader in &mut readers {
        assert_eq!(reader.hello().await, 1);
    }
    let opened = team.open_incident(json!({"title": "Down", "services": impacts(&[(&api, "major_outage")])})).await;
    let update = team.post_update(&opened, json!({"message": "Found."})).await;
    let told = team.incident(&opened).await;
    team.delete(&incident_path(&opened)).await.is(204);
    let [visitor, member] = &mut readers;
    for (seq, kind, name) in [
        (2, "service_updated", Some(json!("API"))),
        (3, "incident_created", Some(json!("Down"))),
        (4, "incident_updated", Some(json!("Down"))),
        (5, "service_updated", Some(json!("API"))),
        (6, "incident_deleted", None),
    ] {
        let (seen, known) = (visitor.event(seq).await, member.event(seq).await);
        for frame in [&seen, &known] {
            assert_eq!(frame["type"], kind, "{frame}");
            let data = frame["data"].get("incident").unwrap_or(&frame["data"]);
            assert_eq!(data.get("title").or(data.get("name")), name.as_ref());
        }
        let text = seen.to_string();
        for secret in [id_of(&team.user), "created_by", "baseline", "impact_override", "automations", &team.email] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        match seq {
            3 => {
                assert_eq!(known["data"], opened);
                assert_eq!(known["data"]["created_by"], team.user["id"]);
                assert_eq!(seen["data"]["updates"][0]["message"], known["data"]["updates"][0]["message"]);
            }
            4 => {
                assert_eq!(known["data"]["incident"], without_updates(&told));
                assert_eq!(known["data"]["updates"], json!([told["updates"][0]]));
                assert_eq!(known["data"]["base"], opened["version"]);
                assert_eq!(known["data"]["removed"], json!([]));
                assert_eq!(seen["data"]["updates"][0]["message"], "Found.");
            }
            6 => assert_eq!([&seen["data"], &known["data"]], [&json!({"id": id_of(&opened)}); 2]),
            _ => {}
        }
    }
    assert_eq!(told["updates"][0], update);
}

#[tokio::test]
async fn rule_3_12_an_update_of_an_incident_with_many_services_asks_nobody_to_reload() {
    let app = TestApp::at(NOW).await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let mut services = Vec::new();
    for n in 0..100 {
        services.push(team.service(&format!("{n} {}", "x".repeat(90))).await);
    }
    let all: Vec<_> = services.iter().map(|service| (service, "major_outage")).collect();
    let incident = team.open_incident(json!({"title": "Network outage", "services": impacts(&all)})).await;
    let mut visitor = port.public_feed(&team, None).await;
    let mut seq = visitor.hello().await;
    // With all updates in each event, the seventeenth would have been too large.
    for service in &services[..30] {
        team.post_update(&incident, json!({"message": "One more.", "services": impacts(&[(service, "degraded")])}))
            .await;
        let frames = [visitor.event(seq + 1).await, visitor.event(seq + 2).await];
        assert_eq!(frames.each_ref().map(|frame| &frame["type"]), ["service_updated", "incident_updated"]);
        assert!(frames[1].to_string().len() < 64 * 1024);
        seq += 2;
    }
}

fn without_updates(incident: &Value) -> Value {
    let mut incident = incident.clone();
    incident.as_object_mut().expect("an object").remove("updates");
    incident
}

#[tokio::test]
async fn what_was_deleted_is_not_replayed() {
    let app = TestApp::at(NOW).await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let since = team.seq().await;
    let incident = team.open_incident(json!({"title": "Down", "message": "The password is hunter2."})).await;
    let other = team.open_incident(json!({"title": "Other"})).await;
    team.post_update(&incident, json!({"message": "Found."})).await;
    let first = team.incident(&incident).await["updates"][1].clone();
    team.put(&update_path(&first), json!({"message": "Nothing to see."})).await.is(200);
    team.delete(&update_path(&first)).await.is(204);
    let replay = async |since| {
        let mut texts = Vec::new();
        for mut reader in [port.public_feed(&team, Some(since)).await, port.member_feed_since(&team, since).await] {
            let tip = reader.hello().await;
            loop {
                let frame = reader.next().await;
                texts.push(frame.to_string());
                if frame["type"] == "resync" || frame["seq"] == tip {
                    break;
                }
            }
        }
        texts.concat()
    };
    let texts = replay(since).await;
    assert!(texts.contains("resync") && !texts.contains("hunter2"), "{texts}");
    let texts = replay(since + 4).await;
    assert!(texts.contains("Found.") && !texts.contains("hunter2"), "what followed is still replayed: {texts}");
    team.delete(&incident_path(&incident)).await.is(204);
    team.update_incident(&other, json!({"title": "Another"})).await;
    let texts = replay(since + 5).await;
    assert!(texts.contains("incident_deleted") && texts.contains("Another") && !texts.contains("Found."), "{texts}");
    for audited in team.get("/api/audit").await.is(200).as_array().expect("entries") {
        let is_deletion = audited["action"] == "update_deleted";
        assert!(!is_deletion || !audited.to_string().contains("Nothing to see"), "{audited}");
    }
}

#[tokio::test]
async fn a_draft_makes_no_gap_for_visitors_until_it_is_published() {
    let app = TestApp::at(NOW).await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let mut readers = [port.public_feed(&team, None).await, port.member_feed(&team).await];
    for reader in &mut readers {
        reader.hello().await;
    }
    let draft = json!({"title": "Draft", "is_draft": true, "services": impacts(&[(&api, "major_outage")])});
    let draft = team.open_incident(draft).await;
    team.post_update(&draft, json!({"message": "Still thinking."})).await;
    team.update_incident(&draft, json!({"title": "Almost"})).await;
    let gone = team.open_incident(json!({"title": "Never", "is_draft": true})).await;
    team.delete(&incident_path(&gone)).await.is(204);
    let [visitor, member] = &mut readers;
    for (seq, kind) in [
        (2, "incident_created"),
        (3, "incident_updated"),
        (4, "incident_updated"),
        (5, "incident_created"),
        (6, "incident_deleted"),
    ] {
        assert_eq!(member.event(seq).await["type"], kind);
    }
    assert_eq!(team.seq().await, 1);
    let published = team.update_incident(&draft, json!({"is_draft": false})).await;
    // The service first, so that nobody sees the incident beside a status it has changed already.
    assert_eq!(visitor.event(2).await["data"]["status"], "major_outage");
    let frame = visitor.event(3).await;
    assert_eq!((&frame["type"], &frame["data"]["title"]), (&json!("incident_created"), &json!("Almost")));
    assert_eq!(member.event(7).await["type"], "service_updated");
    let frame = member.event(8).await;
    assert_eq!(frame["type"], "incident_updated");
    assert_eq!(frame["data"]["incident"], without_updates(&published));
}

#[tokio::test]
async fn rule_3_12_an_event_brings_the_object_so_that_nobody_has_to_ask() {
    let app = TestApp::at(NOW).await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let incident = team.open_incident(json!({"title": "Down", "services": impacts(&[(&api, "degraded")])})).await;
    let mut visitor = port.public_feed(&team, None).await;
    visitor.hello().await;
    team.post_update(&incident, json!({"status": "resolved", "message": "Over."})).await;
    let service = visitor.event(4).await["data"].clone();
    let told = visitor.event(5).await["data"].clone();
    let page = team.public("status").await;
    assert_eq!(page["services"][0], service);
    assert_eq!(without_updates(&page["recent_incidents"][0]), told["incident"]);
    assert_eq!(page["recent_incidents"][0]["updates"][0], told["updates"][0]);
    assert_eq!(page["seq"], 5);
}

/// Carries a page forward until it has seen the event with this number.
async fn follow(mut reader: Socket, mut page: StatusPage, until: u64) -> StatusPage {
    reader.hello().await;
    while page.seq < until {
        let frame: Frame = serde_json::from_value(reader.next().await).expect("a frame");
        assert_eq!(page.apply(frame), Applied::Changed, "after {}", page.seq);
    }
    page
}

/// Everything that may happen to incidents and maintenances.
async fn tell_stories(app: &TestApp, team: &Team, [zero, api, web]: [&Value; 3]) {
    let outage = team.open_incident(json!({"title": "Outage", "services": impacts(&[(zero, "major_outage")])})).await;
    let slow = team.open_incident(json!({"title": "Slow", "services": impacts(&[(zero, "degraded")])})).await;
    app.pass(60);
    let told = team
        .post_update(&outage, json!({"status": "identified", "services": impacts(&[(api, "partial_outage")])}))
        .await;
    team.update_incident(&outage, json!({"title": "Great outage", "impact": "minor"})).await;
    team.put(&update_path(&told), json!({"message": "Found."})).await.is(200);
    app.pass(60);
    team.post_update(&outage, json!({"status": "resolved", "services": impacts(&[(api, "degraded")])})).await;
    team.update_incident(&outage, json!({"postmortem": "Why."})).await;
    team.update_incident(&outage, json!({"publish_postmortem": true})).await;
    team.post_update(&outage, json!({"status": "monitoring"})).await;
    team.post_update(&outage, json!({"status": "resolved"})).await;
    let draft = team
        .open_incident(json!({"title": "Draft", "is_draft": true, "services": impacts(&[(web, "degraded")])}))
        .await;
    team.post_update(&draft, json!({"message": "Still thinking."})).await;
    team.update_incident(&draft, json!({"is_draft": false})).await;
    let secret = team.open_incident(json!({"title": "Secret", "is_draft": true})).await;
    team.update_incident(&secret, json!({"title": "Secret!"})).await;
    team.delete(&incident_path(&secret)).await.is(204);
    let window = |title: &str, start: &str, end: &str| {
        json!({
            "title": title, "incident_type": "maintenance", "starts_at": start, "ends_at": end, "service_ids": [id_of(web)],
        })
    };
    let done = team.open_incident(window("Done", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z")).await;
    let moved = team.open_incident(window("Moved", "2026-11-23T14:30:00Z", "2026-11-23T15:30:00Z")).await;
    let gone = team.open_incident(window("Gone", "2026-11-23T14:30:00Z", "2026-11-23T15:30:00Z")).await;
    team.update_incident(&moved, json!({"starts_at": "2026-11-24T14:30:00Z", "ends_at": "2026-11-24T15:30:00Z"})).await;
    team.delete(&incident_path(&gone)).await.is(204);
    for _ in 0..3 {
        app.pass(3600);
        app.tick().await;
    }
    assert_eq!(team.incident(&done).await["status"], "completed");
    team.post_update(&slow, json!({"status": "monitoring"})).await;
    // The last one of its group: no other moves.
    team.delete(&path_of(web)).await.is(204);
}

async fn board_of(team: &Team) -> StatusPage {
    serde_json::from_value(team.browser().call(path_to("board"), &[]).await.is(200)).expect("a page")
}

async fn page_of(team: &Team) -> StatusPage {
    let status: PublicStatus = serde_json::from_value(team.public("status").await).expect("a page");
    status.into()
}

#[tokio::test]
async fn a_page_carried_forward_by_frames_is_the_page_one_would_load() {
    let app = TestApp::alone_at(NOW).await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let zero = team.service("Zero").await;
    let edge = team.group("Edge").await;
    let (begin, board) = (page_of(&team).await, board_of(&team).await);
    let visitor = port.public_feed(&team, Some(begin.seq)).await;
    let member = port.member_feed_since(&team, board.seq).await;
    let api = team.post("/api/services", json!({"name": "API", "group_id": id_of(&edge)})).await.is(201);
    let web = team.service("Web").await;
    let cdn = team.post("/api/services", json!({"name": "CDN", "status": "degraded"})).await.is(201);
    team.change(&api, json!({"status": "major_outage"})).await;
    team.change(&web, json!({"name": "Website"})).await;
    team.delete(&path_of(&cdn)).await.is(204);
    team.change(&api, json!({"status": "operational"})).await;
    tell_stories(&app, &team, [&zero, &api, &web]).await;
    let (end, board_at_last) = (page_of(&team).await, board_of(&team).await);
    assert!(end.seq > begin.seq + 30, "{} to {}", begin.seq, end.seq);
    assert!(board_at_last.seq > end.seq, "members heard of drafts");
    assert_eq!(end.incidents.len(), 5);
    assert_eq!(follow(visitor, begin, end.seq).await, end);
    assert_eq!(follow(member, board, board_at_last.seq).await, board_at_last);
}
