//! Reads a page's HTML, only as far as the measurement needs.

/// Charts in a page: each is a plot with its numbers.
pub fn charts(html: &[u8]) -> usize {
    plots(html).len()
}

/// The most points that a line of a chart has.
pub fn most_points(html: &[u8]) -> usize {
    let longest_list = |numbers: &str| numbers.split(['[', ']']).map(values).max().unwrap_or(0);
    plots(html).iter().map(|numbers| longest_list(numbers)).max().unwrap_or(0)
}

/// The stages that a Metrics page links to, in order.
pub fn stages(html: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(html);
    let mut found = Vec::new();
    for rest in text.split("stage=").skip(1) {
        let stage: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        if !stage.is_empty() && !found.contains(&stage) {
            found.push(stage);
        }
    }
    found
}

/// The numbers under each chart.
fn plots(html: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(html);
    let numbers = |rest: &str| rest.split('"').next().map(str::to_owned);
    text.split("data-series=\"").skip(1).filter_map(numbers).collect()
}

/// Values of a flat list: numbers, or `null` where there is none.
fn values(list: &str) -> usize {
    let is_value = |item: &str| item == "null" || item.parse::<f64>().is_ok();
    let items = list.split(',').map(str::trim);
    if items.clone().all(is_value) { items.count() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_and_their_points_are_counted() {
        let page = br#"<a href="/metrics?stage=api&amp;range=3h"><a href="/metrics?stage=dlq"><a href="?stage=api">
            <div data-series="{&quot;from&quot;:0,&quot;lines&quot;:[{&quot;v&quot;:[1,null,2.5]},{&quot;v&quot;:[1]}]}">
            <div data-series="{}">"#;
        assert_eq!((charts(page), most_points(page)), (2, 3));
        assert_eq!(stages(page), ["api", "dlq"]);
        assert_eq!((charts(b"<p>None"), most_points(b"<p>None")), (0, 0));
    }
}
