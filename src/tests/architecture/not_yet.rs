//! Rules that the repository does not follow yet. Once a test passes, move it to the file of its rule.

use super::citations;

#[test]
fn everything_that_is_cited_is_defined() {
    let faults = citations::faults(&citations::citing(), &citations::definitions());
    assert!(faults.is_empty(), "{} citations lead nowhere:\n{}", faults.len(), faults.join("\n"));
}
