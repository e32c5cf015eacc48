//! Who is said to be looking at an incident.

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Answer, Team, id_of, incident_path},
    endpoints::path_to,
    fixtures::NOW,
};

impl Team {
    /// Says that they look at an incident, or that they leave it.
    async fn look_at(&self, incident: &Value, leaving: bool) -> Answer {
        let mut fields = vec![("id", id_of(incident))];
        fields.extend(leaving.then_some(("leaving", "true")));
        self.browser().call(path_to("here"), &fields).await
    }
}

#[tokio::test]
async fn who_looks_at_an_incident_is_named_to_the_others_until_they_leave_or_fall_silent() {
    let app = TestApp::at(NOW).await;
    let ada = app.register("Acme").await;
    let (grace, incident) = (ada.colleague("member").await, ada.open_incident(json!({"title": "Down"})).await);
    let names = async |team: &Team| team.look_at(&incident, false).await.is(200);
    assert_eq!(names(&ada).await, json!([]), "the list leaves out the caller");
    assert_eq!(names(&grace).await, json!([ada.user["name"]]));
    assert_eq!(names(&ada).await, json!([grace.user["name"]]));
    assert_eq!(grace.look_at(&incident, true).await.is(200), json!([]));
    assert_eq!(names(&ada).await, json!([]));
    grace.look_at(&incident, true).await.is(200);
    names(&grace).await;
    app.pass(30);
    assert_eq!(names(&ada).await, json!([grace.user["name"]]));
    app.pass(1);
    assert_eq!(names(&ada).await, json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_an_incident_being_deleted_finds_it_or_gets_404() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let mut crowd = vec![team.clone()];
    for _ in 0..3 {
        crowd.push(team.colleague("member").await);
    }
    for _ in 0..25 {
        let incident = team.open_incident(json!({"title": "Down"})).await;
        let looks = (0..4).flat_map(|_| crowd.iter().cloned()).map(|person| {
            let incident = incident.clone();
            tokio::spawn(async move { person.look_at(&incident, false).await })
        });
        let looks: Vec<_> = looks.collect();
        team.delete(&incident_path(&incident)).await.is(204);
        for look in futures::future::try_join_all(looks).await.expect("ran to their end") {
            if look.status != 200 {
                look.refuses(404, &[]);
            }
        }
        team.look_at(&incident, false).await.refuses(404, &[]);
        team.look_at(&incident, true).await.refuses(404, &[]);
    }
}
