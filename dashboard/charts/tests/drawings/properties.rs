//! Properties of all drawings, with any input.

use proptest::prelude::*;
use spillway_dashboard_charts::*;

/// The elements and attributes that drawings may have: no colours, styles or scripts.
const ATTRIBUTES: [&str; 13] =
    ["class", "d", "x", "y", "dx", "dy", "cx", "cy", "r", "text-anchor", "viewBox", "role", "aria-hidden"];
const ELEMENTS: [&str; 6] = ["svg", "title", "desc", "path", "circle", "text"];

/// Parses a drawing and checks what the content security policy and the style sheet require.
fn checked(svg: &str) -> roxmltree::Document<'_> {
    let document = roxmltree::Document::parse(svg).expect("well-formed XML");
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(ELEMENTS.contains(&node.tag_name().name()), "unexpected element {}", node.tag_name().name());
        for attribute in node.attributes() {
            assert!(ATTRIBUTES.contains(&attribute.name()), "unexpected attribute {}", attribute.name());
        }
        if let Some(d) = node.attribute("d") {
            assert!(d.bytes().all(|b| b"MLlhvz0123456789.- ".contains(&b)), "not a path of ours: {d}");
        }
    }
    document
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        6 => (-10.0..1e4f64).prop_map(Some),
        1 => any::<f64>().prop_map(Some),
        1 => prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::MAX), Just(f64::MIN),
            Just(f64::MIN_POSITIVE), Just(-0.0), Just(0.0)
        ].prop_map(Some),
    ]
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 1_700_000_000..1_800_000_000i64, 1 => any::<i64>(), 1 => Just(i64::MIN), 1 => Just(i64::MAX)]
}

fn tier() -> impl Strategy<Value = Tier> {
    prop_oneof![Just(Tier::High), Just(Tier::Low)]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop::sample::select(vec![
        Unit::Count,
        Unit::Number,
        Unit::PerSecond,
        Unit::Milliseconds,
        Unit::Seconds,
        Unit::Percent,
        Unit::Bytes,
        Unit::Dollars,
    ])
}

prop_compose! {
    fn a_series()(
        name in any::<String>(), color in any::<u8>(), points in prop::collection::vec(value(), 0..80), earlier in any::<bool>()
    ) -> Series {
        let series = Series::new(name, color, points);
        if earlier { series.earlier() } else { series }
    }
}

prop_compose! {
    fn a_chart()(
        (name, unit) in (any::<String>(), unit()),
        (from, to, start) in (time(), time(), time()),
        step in prop_oneof![4 => 1..90_000i64, 1 => any::<i64>()],
        kind in prop::sample::select(vec![Kind::Line, Kind::Area, Kind::StackedArea, Kind::Bars]),
        series in prop::collection::vec(a_series(), 0..5),
        limits in prop::collection::vec((value(), any::<String>(), tier()), 0..4),
        alarms in prop::collection::vec((time(), prop::option::of(time()), tier()), 0..4),
        deployments in prop::collection::vec((time(), any::<String>()), 0..4),
        (y_max, y_from_zero) in (value(), any::<bool>()),
        (width, height) in (prop_oneof![100..1200u32, any::<u32>()], prop_oneof![50..400u32, any::<u32>()]),
    ) -> Chart {
        Chart {
            kind,
            series,
            start,
            thresholds: limits.into_iter()
                .map(|(value, label, tier)| Threshold { value: value.unwrap_or(f64::NAN), label, tier }).collect(),
            alarms: alarms.into_iter().map(|(from, to, tier)| AlarmPeriod { from, to, tier }).collect(),
            deployments: deployments.into_iter().map(|(at, label)| Deployment { at, label }).collect(),
            y_max,
            y_from_zero,
            size: Size { width, height },
            ..Chart::new(name, unit, from, to, step)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_chart_is_drawn_well_formed_and_inside_its_box(chart in a_chart()) {
        let drawn = render_svg(&chart);
        let document = checked(&drawn.svg);
        let root = document.root_element();
        prop_assert_eq!(root.attribute("role"), Some("img"));
        prop_assert!(root.first_element_child().is_some_and(|t| t.has_tag_name("title") && t.text().is_some()));

        let hover = &drawn.hover;
        prop_assert_eq!(Hover::from_json(&drawn.series_json).expect("our own JSON").to_json(), hover.to_json());
        let [left, top, right, bottom] = hover.rect;
        prop_assert!(0 < left && left < right && right <= hover.w as i32, "{:?}", hover.rect);
        prop_assert!(0 < top && top < bottom && bottom < hover.h as i32, "{:?}", hover.rect);
        prop_assert!(hover.y[0] < hover.y[1], "{:?}", hover.y);
        prop_assert!(hover.t[0] < hover.t[1]);
        prop_assert_eq!(hover.s.len(), chart.series.len());
        for index in 0..hover.len().min(90) {
            for row in hover.reading(index).rows {
                // Numbers of five digits have an error of a hundredth of a pixel.
                prop_assert!(row.y.is_none_or(|y| y >= f64::from(top) - 1.0 && y <= f64::from(bottom) + 1.0), "{row:?}");
            }
        }
    }

    #[test]
    fn names_are_escaped_and_read_back_unchanged(name in "[ -~äöü<>&\"']{1,40}") {
        let chart = Chart::new(name.clone(), Unit::Count, 0, 60, 1);
        let drawn = render_svg(&chart);
        let document = checked(&drawn.svg);
        let title = document.descendants().find(|n| n.has_tag_name("title")).expect("a title");
        prop_assert_eq!(title.text(), Some(name.as_str()));
    }

    #[test]
    fn small_drawings_are_well_formed(
        points in prop::collection::vec(value(), 0..200), (width, height) in (any::<u32>(), any::<u32>()),
        counts in prop::collection::vec(any::<u64>(), 0..40),
    ) {
        checked(&sparkline(&points, width, height));
        checked(&receive_counts(&counts, Size { width, height }));
    }

    #[test]
    fn values_always_have_a_digit_and_are_short(value in any::<f64>(), unit in unit()) {
        let text = unit.format(value);
        prop_assert!(text == "–" || text.contains(|c: char| c.is_ascii_digit()), "{text}");
        prop_assert!(value.abs() > 1e12 || text.chars().count() <= 11, "{text}");
    }
}

#[test]
fn a_hundred_thousand_points_are_thinned_and_their_spike_is_kept() {
    let mut points: Vec<_> = (0..100_000).map(|i| Some(f64::from(i % 10))).collect();
    points[77_777] = Some(5000.0);
    let mut chart = Chart::new("Invocations", Unit::Count, 0, 100_000 * 60, 60);
    chart.series = vec![Series::new("invocations", 1, points)];
    let drawn = render_svg(&chart);
    checked(&drawn.svg);
    assert!(drawn.svg.len() < 12_000, "{} bytes", drawn.svg.len());
    assert_eq!(drawn.hover.y[1], 6000.0);
}

#[test]
fn all_layers_of_a_narrow_bar_show_the_same_period() {
    // Nine minutes share a bar. Each layer is highest in a minute of its own, and their sum in a third one.
    let minutes = |of: [f64; 9]| of.iter().copied().map(Some).cycle().take(1440).collect();
    let mut chart = Chart::new("Errors", Unit::Count, 0, 86_400, 60);
    chart.kind = Kind::Bars;
    chart.series = vec![
        Series::new("ingest", 1, minutes([9.0, 1.0, 1.0, 6.0, 1.0, 1.0, 1.0, 1.0, 1.0])),
        Series::new("consumer", 2, minutes([1.0, 1.0, 1.0, 7.0, 1.0, 1.0, 1.0, 1.0, 10.0])),
    ];
    let drawn = render_svg(&chart);
    let document = checked(&drawn.svg);
    // The upper and lower edge of each bar, in tenths.
    let bars = |class: &str| -> Vec<[i64; 2]> {
        let path = document.descendants().find(|n| n.attribute("class") == Some(class)).expect("bars");
        let bars = path.attribute("d").expect("a path").split('M').skip(1).map(|bar| {
            let numbers: Vec<f64> = bar.split([' ', 'h', 'v', 'z']).filter_map(|n| n.parse().ok()).collect();
            [numbers[1], numbers[1] + numbers[3]].map(|y| (y * 10.0).round() as i64)
        });
        bars.collect()
    };
    let y = |value: f64| (drawn.hover.y(value) * 10.0).round() as i64;
    assert_eq!(bars("bar s1"), [[y(6.0), y(0.0)]; 160]);
    assert_eq!(bars("bar s2"), [[y(13.0), y(6.0)]; 160]);
}
