//! The tests over the whole product.
