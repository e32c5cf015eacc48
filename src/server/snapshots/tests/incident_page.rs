//! The page of an incident, made of the status page.

use serde_json::json;

use crate::{
    model::{Code, IncidentId, IncidentPage},
    server::domain::incident_page_of,
    tests::support::{
        app::TestApp,
        clients::id_of,
        public_page::{NOW, ReportedPage},
    },
};

#[tokio::test]
async fn the_page_of_an_incident_follows_from_the_status_page() {
    let app = TestApp::at(NOW).await;
    let reported = ReportedPage::at(&app).await;
    app.pass(600);
    reported.update(json!({"message": "Found *it*.", "status": "identified"})).await;
    let visitor = app.state.domain.site().visit(&reported.team.slug).await.expect("a page");
    let (page, now) = (visitor.page().await.expect("loads"), app.clock.now());
    assert!(page.incidents.len() >= 3, "{:?}", page.incidents);
    for incident in &page.incidents {
        let loaded: IncidentPage = visitor.incident_page(incident.id).await.expect("loads");
        let made = incident_page_of(page.clone(), incident.id, now).expect("is on the page");
        assert_eq!(made, loaded);
    }
    let elsewhere: IncidentId = id_of(&reported.service).parse().expect("an id");
    let error = incident_page_of(page, elsewhere, now).expect_err("is not on the page");
    assert_eq!(error.code, Code::NotFound);
}
