//! For tests: the statements that a thread sends to its databases, except `BEGIN`, `COMMIT` and `ROLLBACK`.

use std::cell::RefCell;

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Records a statement.
pub fn record(sql: &str) {
    LOG.with_borrow_mut(|log| log.push(sql.replace('`', "\"")));
}

/// Takes the statements since the last call, with names quoted as in SQL.
pub fn take() -> Vec<String> {
    LOG.take()
}
