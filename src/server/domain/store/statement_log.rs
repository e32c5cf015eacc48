//! For tests: the statements that a thread sends to its databases, except `BEGIN`, `COMMIT` and `ROLLBACK`.

use std::cell::RefCell;

use sea_orm::Statement;

thread_local! {
    static LOG: RefCell<Vec<Vec<Statement>>> = const { RefCell::new(Vec::new()) };
}

/// Records the statements of a message.
pub fn record(message: &[Statement]) {
    if !message.is_empty() {
        LOG.with_borrow_mut(|log| log.push(message.to_vec()));
    }
}

/// Takes the messages since the last call, with names quoted as in SQL.
pub fn take() -> Vec<String> {
    let sql = |message: Vec<Statement>| message.into_iter().map(|statement| statement.sql).collect::<Vec<_>>();
    LOG.take().into_iter().map(|message| sql(message).join("; ").replace('`', "\"")).collect()
}

/// Takes the statements since the last call, with their values.
pub fn take_statements() -> Vec<Statement> {
    LOG.take().into_iter().flatten().collect()
}
