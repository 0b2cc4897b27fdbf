//! What lives in the browser. Each island stands once in the shell and works on all of the page.
//!
//! | island | works on |
//! |---|---|
//! | [`Live`] | `[data-live]`: fetched again and brought up to date in place; `[data-keep]` in them is left alone |
//! | [`Crosshair`] | `figure.chart [data-series]`: one crosshair and tooltip over all charts |
//! | [`Keys`] | `a[data-go]`, `[data-search]`, `[data-row]`, `#keys` (the help dialog), `details.menu` |
//! | [`Selection`] | `form[data-selection]`: boxes named `ids[]`, `[data-select-all]`, `button[data-many]` |
//! | [`Times`] | `time[data-relative]`, and the browser's time zone |

mod crosshair;
mod keys;
mod live;
mod selection;
mod times;

#[cfg(feature = "hydrate")]
mod dom;
#[cfg(feature = "hydrate")]
mod morph;

pub use crosshair::Crosshair;
pub use keys::Keys;
pub use live::Live;
pub use selection::Selection;
pub use times::Times;

/// The event that the document gets after the page was brought up to date.
#[cfg(feature = "hydrate")]
const REFRESHED: &str = "spillway:refreshed";
/// Asks for the page to be brought up to date now.
#[cfg(feature = "hydrate")]
const REFRESH: &str = "spillway:refresh";
