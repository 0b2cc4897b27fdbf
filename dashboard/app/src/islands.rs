//! Islands run in the browser. The shell has each island once, and it works on the whole page.
//!
//! | island | works on |
//! |---|---|
//! | [`Live`] | `[data-live]`: fetched again and updated in place, except `[data-keep]` inside |
//! | [`Crosshair`] | `figure.chart [data-series]`: one crosshair and tooltip over all charts |
//! | [`Keys`] | `a[data-go]`, `[data-search]`, `[data-row]`, `#keys` (the help dialog), `details.menu` |
//! | [`Selection`] | `form[data-selection]`: boxes named `ids[]`, `[data-select-all]`, `button[data-many]` |
//! | [`CopyButtons`] | `button[data-copy]`: copies the text of the element with that id |
//! | [`Times`] | `time[data-relative]`, and the browser's time zone |

#[cfg(any(test, feature = "hydrate"))]
mod align;
mod copy;
mod crosshair;
mod keys;
mod live;
mod selection;
mod times;

#[cfg(feature = "hydrate")]
mod dom;
#[cfg(feature = "hydrate")]
mod morph;

pub use copy::CopyButtons;
pub use crosshair::Crosshair;
pub use keys::Keys;
pub use live::Live;
pub use selection::Selection;
pub use times::Times;

/// The event on the document after an update of the page.
#[cfg(feature = "hydrate")]
const REFRESHED: &str = "spillway:refreshed";
/// Requests an update of the page now.
#[cfg(feature = "hydrate")]
const REFRESH: &str = "spillway:refresh";
