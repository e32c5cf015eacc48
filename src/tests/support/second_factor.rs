//! The authenticator app of a user.

use totp_rs::{Builder, Secret};

use super::{app::TestApp, clients::Browser, endpoints::path_to};

/// The current code.
pub fn code_of(app: &TestApp, secret: &str) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).expect("Base32")).build().expect("an app");
    totp.generate(u64::try_from(app.clock.now().millis() / 1000).expect("after 1970")).to_string()
}

/// Starts the setup and returns the TOTP secret.
pub async fn seed(browser: &mut Browser) -> String {
    assert_eq!(browser.call(path_to("begin_second_factor"), &[]).await.status, 200);
    let setup = browser.call(path_to("show_second_factor"), &[]).await.is(200);
    setup["secret"].as_str().expect("a key").to_owned()
}
