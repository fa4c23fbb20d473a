use super::*;

fn around(value: f64, half: f64) -> Interval {
    Interval { value, low: value - half, high: value + half }
}

#[test]
fn values_are_written_in_the_unit_that_suits_them() {
    let cases = [
        (Quantity::Seconds, 0.0123, "12.3 ms"),
        (Quantity::Seconds, 0.99999, "1.00 s"),
        (Quantity::Seconds, 1.5, "1.50 s"),
        (Quantity::Seconds, 300.0, "300 s"),
        (Quantity::Seconds, 2.5e-5, "25.0 µs"),
        (Quantity::Seconds, 3e-9, "3.00 ns"),
        (Quantity::Seconds, 0.0, "0 s"),
        (Quantity::PerSecond, 999.0, "999 /s"),
        (Quantity::PerSecond, 12_340.0, "12.3 k/s"),
        (Quantity::Count, 2_500_000.0, "2.50M"),
        (Quantity::Dollars, 0.096, "$0.0960"),
        (Quantity::Dollars, 1234.0, "$1234"),
        (Quantity::Dollars, 45_678.0, "$45.7k"),
        (Quantity::Dollars, -3.0, "-$3.00"),
        (Quantity::Ratio, 0.873, "87.3%"),
        (Quantity::Ratio, 1.0, "100%"),
        (Quantity::Ratio, 0.0, "0%"),
        (Quantity::Ratio, 0.00012, "0.0120%"),
        (Quantity::Ratio, 0.996, "99.6%"),
        (Quantity::Ratio, 0.99996, "99.996%"),
        (Quantity::Ratio, 0.9995, "99.95%"),
        (Quantity::Ratio, 1.0 - 1e-15, "100%"),
        (Quantity::Ratio, 1.5, "150%"),
        (Quantity::Seconds, f64::NAN, "–"),
        (Quantity::Dollars, f64::INFINITY, "–"),
        (Quantity::Seconds, 1e200, "1.00e200 s"),
    ];
    for (quantity, value, expected) in cases {
        assert_eq!(quantity.value(value), expected, "{quantity:?} {value}");
    }
}

#[test]
fn sums_of_prices_that_are_equal_are_written_alike() {
    for noise in [0.36249999999999993, 0.3625, 0.36250000000000004] {
        assert_eq!(Quantity::Dollars.value(noise), Quantity::Dollars.value(0.3625));
        assert_eq!(Quantity::Dollars.interval(around(noise, 1e-16)), Quantity::Dollars.value(0.3625));
    }
    assert_eq!(Quantity::Dollars.value(0.3624999), "$0.362");
}

#[test]
fn value_and_half_width_share_their_decimals() {
    let cases = [
        (Quantity::Seconds, 0.0234, 0.0006, "23.4 ± 0.6 ms"),
        (Quantity::Seconds, 0.0234, 0.0012, "23.4 ± 1.2 ms"),
        (Quantity::Seconds, 0.0234, 0.012, "23 ± 12 ms"),
        (Quantity::Seconds, 0.0234, 0.00004, "23.40 ± 0.04 ms"),
        (Quantity::Seconds, 0.0234, 1e-12, "23.400 ± 0.000 ms"),
        (Quantity::Seconds, 1.0, 0.0, "1.00 s"),
        (Quantity::PerSecond, 5000.0, 31.0, "5.00 ± 0.03 k/s"),
        (Quantity::Dollars, 12.3, 0.14, "$12.30 ± 0.14"),
        (Quantity::Ratio, 0.873, 0.0041, "87.3 ± 0.4%"),
        (Quantity::Ratio, 0.873, 1e-7, "87.300 ± 0.000%"),
        (Quantity::Ratio, 0.999_964, 0.000_031, "99.996 ± 0.003%"),
        (Quantity::Ratio, 0.999_964, 0.000_000_4, "99.99640 ± 0.00004%"),
        (Quantity::Ratio, 1.0, 0.000_003_7, "100.0000 ± 0.0004%"),
        (Quantity::Ratio, 1.0, 1e-15, "100%"),
        (Quantity::Ratio, 0.0, 0.000_000_37, "0.00000 ± 0.00004%"),
        (Quantity::Ratio, 0.000_036, 0.000_000_4, "0.00360 ± 0.00004%"),
        (Quantity::Ratio, 0.0, 1e-15, "0%"),
        (Quantity::Seconds, 0.005, 0.03, "5 ± 30 ms"),
        (Quantity::Seconds, 0.1, 0.0199, "100 ± 20 ms"),
        (Quantity::Seconds, 0.1, f64::INFINITY, "100 ms"),
    ];
    for (quantity, value, half, expected) in cases {
        assert_eq!(quantity.interval(around(value, half)), expected, "{quantity:?} {value} {half}");
    }
    let lopsided = Interval { value: 0.010, low: 0.009, high: 0.013 };
    assert_eq!(Quantity::Seconds.interval(lopsided), "10 ± 3 ms");
}

#[test]
fn ticks_carry_no_needless_digit() {
    let cases = [
        (Quantity::Seconds, 0.2, 0.2, "200 ms"),
        (Quantity::Seconds, 5.0, 5.0, "5 s"),
        (Quantity::Seconds, 0.2, 1.0, "0.2 s"),
        (Quantity::Count, 5000.0, 5000.0, "5k"),
        (Quantity::Count, 50_000.0, 50_000.0, "50k"),
        (Quantity::Count, 12_500.0, 12_500.0, "12.5k"),
        (Quantity::Count, 1_000_000.0, 1_000_000.0, "1M"),
        (Quantity::Count, 0.0, 5.0, "0"),
        (Quantity::Count, 1e29, 1e29, "1e20G"),
        (Quantity::Count, 200.0, 200.0, "200"),
        (Quantity::Dollars, 0.0, 5.0, "$0"),
        (Quantity::Dollars, 12.5, 20.0, "$12.5"),
        (Quantity::Dollars, 2000.0, 2000.0, "$2000"),
        (Quantity::Ratio, 0.2, 1.0, "20%"),
    ];
    for (quantity, value, reference, expected) in cases {
        assert_eq!(quantity.tick(value, reference), expected, "{quantity:?} {value}");
    }
}
