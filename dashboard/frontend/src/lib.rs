//! The dashboard's entry point in the browser.
