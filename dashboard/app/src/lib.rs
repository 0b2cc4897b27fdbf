//! The dashboard's pages and islands.
//!
//! * [`islands`] run in the browser: live refresh, crosshair, keyboard, selection, times. They find elements by
//!   `data-…` attributes; no page has its own island.
//! * Everything else runs on the server and is compiled only with the feature `ssr`, so that the browser downloads none
//!   of it.
//!
//! A page is an entry in the table of `spillway-dashboard-pages`, a route in [`pages`], and a file there: `pages/x.rs` with one
//! component for each route. `pages/x/data.rs` reads, `view.rs` draws and `words.rs` has the sentences, as needed.

pub mod islands;

#[cfg(feature = "ssr")]
pub mod badges;
#[cfg(feature = "ssr")]
pub mod charts;
#[cfg(feature = "ssr")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod error;
#[cfg(feature = "ssr")]
mod links;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod ports;
#[cfg(feature = "ssr")]
pub mod preferences;
#[cfg(feature = "ssr")]
pub mod range;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
mod stages;
#[cfg(feature = "ssr")]
mod words;
