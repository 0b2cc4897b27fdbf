//! Dashes for surfaces without a style sheet.

/// Cuts a polyline into dashes of `on` pixels with `off` pixels between.
pub(crate) fn dashes(points: Vec<(i32, i32)>, on: f64, off: f64) -> Vec<Vec<(i32, i32)>> {
    let mut dashes = Vec::new();
    let mut dash = Vec::new();
    let mut drawing = true;
    let mut left = on.max(1.0);
    let mut points = points.into_iter().map(|(x, y)| (f64::from(x), f64::from(y)));
    let Some(mut at) = points.next() else { return dashes };
    dash.push(pixel(at));
    for to in points {
        loop {
            let length = (to.0 - at.0).hypot(to.1 - at.1);
            if length <= left {
                left -= length;
                at = to;
                if drawing {
                    dash.push(pixel(at));
                }
                break;
            }
            at = (at.0 + (to.0 - at.0) / length * left, at.1 + (to.1 - at.1) / length * left);
            if drawing {
                dash.push(pixel(at));
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash.push(pixel(at));
            }
            drawing = !drawing;
            left = if drawing { on } else { off }.max(1.0);
        }
    }
    if dash.len() > 1 {
        dashes.push(dash);
    }
    dashes
}

fn pixel((x, y): (f64, f64)) -> (i32, i32) {
    (x.round() as i32, y.round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_continue_around_corners() {
        let cut = dashes(vec![(0, 0), (10, 0), (10, 10)], 6.0, 2.0);
        assert_eq!(cut, [vec![(0, 0), (6, 0)], vec![(8, 0), (10, 0), (10, 4)], vec![(10, 6), (10, 10)]]);
        assert!(dashes(Vec::new(), 4.0, 4.0).is_empty());
    }
}
