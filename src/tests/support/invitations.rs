//! Invitations and members who accept them.

use serde_json::{Value, json};

use super::{
    app::{ORIGIN, PASSWORD, TestApp, unique},
    clients::{Answer, Browser, Team},
    endpoints::path_to,
};

/// An invitation and the secret of its link.
pub struct Invited {
    pub email: String,
    pub secret: String,
    pub invitation: Value,
}

impl Team {
    /// Invites a new email address.
    pub async fn invite(&self, role: &str) -> Invited {
        self.invite_at(&format!("{}@example.com", unique("guest")), role).await
    }

    /// Invites this email address.
    pub async fn invite_at(&self, email: &str, role: &str) -> Invited {
        let body = json!({"email": email, "role": role});
        let invitation = self.post("/api/team/invitations", body).await.is(201);
        let link = invitation["link"].as_str().expect("returned once");
        let secret = link.strip_prefix(&format!("{ORIGIN}/invite/")).expect("a link of ours").to_owned();
        Invited { email: email.to_owned(), secret, invitation }
    }

    /// A new member who has accepted an invitation.
    pub async fn colleague(&self, role: &str) -> Self {
        let invited = self.invite(role).await;
        let (answer, browser) = invited.join_as_new(&self.app).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        browser.team().await
    }

    pub async fn members(&self) -> Vec<Value> {
        self.get("/api/team").await.is(200).as_array().expect("a list").clone()
    }
}

impl Browser {
    /// The session of this browser.
    pub async fn team(mut self) -> Team {
        let me = self.call(path_to("me"), &[]).await.is(200);
        let cookie = self.cookie.as_deref().and_then(|cookie| cookie.strip_prefix("aldis=")).expect("a session");
        let signed_in = json!({"access_token": cookie, "organization": me["organization"], "user": me["user"]});
        Team::of(self.app, &signed_in)
    }
}

impl Invited {
    /// Accepts it with a new account.
    pub async fn join_as_new(&self, app: &TestApp) -> (Answer, Browser) {
        let mut browser = app.browser();
        let fields = [("token", self.secret.as_str()), ("name", "Grace Hopper"), ("password", PASSWORD)];
        let answer = browser.call(path_to("join_as_new"), &fields).await;
        (answer, browser)
    }

    /// Accepts it with an existing account's password.
    pub async fn join_with_password(&self, app: &TestApp, password: &str) -> (Answer, Browser) {
        let mut browser = app.browser();
        let fields = [("token", self.secret.as_str()), ("password", password)];
        let answer = browser.call(path_to("join_with_password"), &fields).await;
        (answer, browser)
    }

    /// Accepts it in a session.
    pub async fn accept(&self, team: &Team) -> (Answer, Browser) {
        let mut browser = team.browser();
        let answer = browser.call(path_to("accept_invitation"), &[("token", &self.secret)]).await;
        (answer, browser)
    }

    /// Asserts that it can no longer be viewed or accepted.
    pub async fn is_invalid(&self, app: &TestApp) {
        let page = app.browser().open(&format!("/invite/{}", self.secret)).await;
        assert_eq!(page.status, 404, "{}", page.text);
        let nothing = app.browser().call(path_to("view_invitation"), &[("token", "nonsense")]).await;
        nothing.refuses(404, &[]);
        let view = app.browser().call(path_to("view_invitation"), &[("token", &self.secret)]).await;
        assert_eq!(view.fingerprint(), nothing.fingerprint());
        self.join_as_new(app).await.0.refuses(404, &[]);
        self.join_with_password(app, PASSWORD).await.0.refuses(404, &[]);
    }
}
