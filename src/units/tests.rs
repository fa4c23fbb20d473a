//! Tests of all quantities together: what is read, what is refused and in which words.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::{Bandwidth, Bytes, Duration, QuantityError, Rate, Ratio};
use crate::price::{HourlyPrice, RequestPrice, StoragePrice, TransferPrice};

fn read<Q: FromStr<Err = QuantityError>>(text: &str) -> Q {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal<Q: FromStr<Err = QuantityError> + Debug>(text: &str) -> String {
    text.parse::<Q>().expect_err(text).to_string()
}

fn refusal_in_ron<Q: DeserializeOwned + Debug>(document: &str) -> String {
    ron::from_str::<Q>(document).expect_err(document).to_string()
}

#[test]
fn durations_are_read_to_the_nanosecond() {
    for (text, ns) in [
        ("12ms", 12_000_000),
        ("1.5s", 1_500_000_000),
        ("0.5ms", 500_000),
        ("2d", 172_800_000_000_000),
        ("15m", 900_000_000_000),
        ("15min", 900_000_000_000),
        ("7us", 7_000),
        ("7µs", 7_000),
        ("3ns", 3),
        ("0s", 0),
        ("1h 30m", 5_400_000_000_000),
        ("1_000ms", 1_000_000_000),
        ("1e3ms", 1_000_000_000),
        // A double would lose the last digits of this one.
        ("300000000.123456789s", 300_000_000_123_456_789),
    ] {
        assert_eq!(read::<Duration>(text).ns, ns, "{text}");
    }
}

#[test]
fn rates_sizes_bandwidths_and_ratios_are_read() {
    for (text, per_second) in
        [("500/s", 500.0), ("30/min", 0.5), ("1.2k/s", 1_200.0), ("3.6M/h", 1_000.0), ("8640/d", 0.1)]
    {
        assert!((read::<Rate>(text).per_second - per_second).abs() < 1e-12 * per_second, "{text}");
    }
    for (text, bytes) in [
        ("4GiB", 4 << 30),
        ("512MB", 512_000_000),
        ("512Mi", 512 << 20),
        ("1.5kB", 1_500),
        ("9007199254740993B", 9_007_199_254_740_993),
    ] {
        assert_eq!(read::<Bytes>(text).bytes, bytes, "{text}");
    }
    for (text, bytes_per_second) in
        [("1Gbit/s", 125e6), ("100MB/s", 100e6), ("10Gbps", 1.25e9), ("1MiB/s", 1_048_576.0)]
    {
        assert_eq!(read::<Bandwidth>(text).bytes_per_second, bytes_per_second, "{text}");
    }
    assert_eq!(read::<Ratio>("70%").value, 0.7);
    assert_eq!(ron::from_str::<Ratio>("0.7").map(|ratio| ratio.value), Ok(0.7));
    assert_eq!(ron::from_str::<Ratio>("1").map(|ratio| ratio.value), Ok(1.0));
    assert_eq!(ron::from_str::<Ratio>("\"250%\"").map(|ratio| ratio.value), Ok(2.5));
}

#[test]
fn prices_are_read() {
    let close = |value: f64, expected: f64| (value / expected - 1.0).abs() < 1e-12;
    assert!(close(read::<HourlyPrice>("$0.096/h").usd_per_hour, 0.096));
    assert!(close(read::<HourlyPrice>("$73/month").usd_per_hour, 0.1));
    assert!(close(read::<HourlyPrice>("$0.0000133/s").usd_per_hour, 0.04788));
    assert!(close(read::<RequestPrice>("$0.20/1M").usd_per_request, 2e-7));
    assert!(close(read::<RequestPrice>("$0.005/1k").usd_per_request, 5e-6));
    assert!(close(read::<RequestPrice>("$0.4/million requests").usd_per_request, 4e-7));
    assert!(close(read::<RequestPrice>("$0.01/request").usd_per_request, 0.01));
    assert!(close(read::<TransferPrice>("$0.09/GB").usd_per_byte, 9e-11));
    assert!(close(read::<TransferPrice>("$0.01/GiB").usd_per_byte, 0.01 / 1_073_741_824.0));
    assert!(close(read::<StoragePrice>("$0.10/GB-month").usd_per_byte_hour, 1e-10 / 730.0));
    assert!(close(read::<StoragePrice>("$0.10/GiB-h").usd_per_byte_hour, 0.1 / 1_073_741_824.0));
    assert_eq!(read::<StoragePrice>("$0.10/GB-month").to_string(), "$0.1/GB-month");
}

#[test]
fn a_missing_unit_is_answered_with_what_to_write() {
    let expected = "a duration needs a unit: write \"12ms\" instead of 12";
    assert!(refusal_in_ron::<Duration>("12").contains(expected), "{}", refusal_in_ron::<Duration>("12"));
    assert_eq!(refusal::<Duration>("12"), "a duration needs a unit: write \"12ms\" instead of \"12\"");
    assert!(refusal_in_ron::<Rate>("500").contains("write \"500/s\" instead of 500"));
    assert!(refusal_in_ron::<HourlyPrice>("0.096").contains("write \"$0.096/h\" instead of 0.096"));
    assert!(refusal_in_ron::<Ratio>("70").contains("write \"70%\" if per cent are meant"));
}

#[test]
fn another_quantity_is_named() {
    assert_eq!(refusal::<Duration>("500/s"), "\"500/s\" is a rate; a duration is wanted, such as \"12ms\"");
    assert_eq!(refusal::<Rate>("12ms"), "\"12ms\" is a duration; a rate is wanted, such as \"500/s\"");
    assert!(refusal::<Bytes>("$1/h").contains("is a price; a size is wanted"));
    assert!(refusal::<HourlyPrice>("$0.2/1M").contains("is not a price per time: write for example \"$0.096/h\""));
}

#[test]
fn impossible_values_are_refused() {
    for text in [
        "-5ms",
        "nan",
        "inf",
        "NaNs",
        "1e400s",
        "11000d",
        "99999999999999999999d",
        "1h 99999999999d",
        "",
        "ms",
        "5 parsecs",
    ] {
        refusal::<Duration>(text);
    }
    assert!(refusal::<Duration>("-5ms").contains("is negative"));
    assert!(refusal::<Duration>("11000d").contains("ten years"));
    assert!(refusal::<Bytes>("10Mb").contains("write \"10MB\" if bytes are meant"));
    assert!(refusal::<Bytes>("512m").contains("lower-case m"));
    for text in ["20EB", "-1GB", "1e300GB", "GB"] {
        refusal::<Bytes>(text);
    }
    for text in ["1e308k/s", "5/fortnight", "-1/s", "5m/s", "/s"] {
        refusal::<Rate>(text);
    }
    for text in ["$1/0", "$-1/h", "-$1/h", "0.1/h", "$/h", "$1e308/s"] {
        refusal::<HourlyPrice>(text);
        refusal::<RequestPrice>(text);
    }
    for document in ["-1", "NaN", "inf", "-0.5", "true", "()", "[1]"] {
        refusal_in_ron::<Ratio>(document);
        refusal_in_ron::<Duration>(document);
    }
}

fn round_trips<Q: FromStr<Err = QuantityError> + Display + PartialEq + Debug>(value: &Q) {
    let text = value.to_string();
    assert_eq!(&read::<Q>(&text), value, "{text}");
}

#[test]
fn the_canonical_form_is_what_one_would_write() {
    for text in ["12ms", "1.5s", "2d", "90m", "15m", "0.5/s", "4GiB", "512MB", "125MB/s", "70%", "7%"] {
        let shown = text
            .parse::<Duration>()
            .map(|value| value.to_string())
            .or_else(|_| text.parse::<Rate>().map(|value| value.to_string()))
            .or_else(|_| text.parse::<Bytes>().map(|value| value.to_string()))
            .or_else(|_| text.parse::<Bandwidth>().map(|value| value.to_string()))
            .or_else(|_| text.parse::<Ratio>().map(|value| value.to_string()));
        // A rate of one half a second has a whole number per minute.
        let expected = if text == "0.5/s" { "30/min" } else { text };
        assert_eq!(shown.as_deref(), Ok(expected));
    }
    assert_eq!(read::<HourlyPrice>("$0.096/h").to_string(), "$0.096/h");
    assert_eq!(read::<RequestPrice>("$0.20/1M").to_string(), "$0.2/1M");
    assert_eq!(read::<TransferPrice>("$0.09/GB").to_string(), "$0.09/GB");
}

fn any_text() -> impl Strategy<Value = String> {
    let quantity_like =
        "[$-]{0,2}[0-9_]{0,20}[.]?[0-9]{0,3}[eE+-]{0,2}[0-9]{0,3} ?[a-zA-Zµ%]{0,4}[/ ]?[0-9a-zA-Z ]{0,6}";
    prop_oneof![any::<String>(), quantity_like.prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read_or_refused(text in any_text()) {
        if let Ok(value) = text.parse::<Duration>() { round_trips(&value); }
        if let Ok(value) = text.parse::<Bytes>() { round_trips(&value); }
        if let Ok(value) = text.parse::<Rate>() { prop_assert!(value.per_second >= 0.0 && value.per_second.is_finite()); }
        if let Ok(value) = text.parse::<Bandwidth>() { prop_assert!(value.bytes_per_second.is_finite()); }
        if let Ok(value) = text.parse::<Ratio>() { prop_assert!(value.value >= 0.0 && value.value.is_finite()); }
        if let Ok(value) = text.parse::<HourlyPrice>() { prop_assert!(value.usd_per_hour.is_finite()); }
        if let Ok(value) = text.parse::<RequestPrice>() { prop_assert!(value.usd_per_request.is_finite()); }
        if let Ok(value) = text.parse::<TransferPrice>() { prop_assert!(value.usd_per_byte.is_finite()); }
    }

    #[test]
    fn durations_and_sizes_round_trip(ns in 0..=Duration::LONGEST.ns, bytes in 0..(1u64 << 62), shift in 0..60u32) {
        round_trips(&Duration { ns: ns >> shift });
        round_trips(&Duration { ns: (ns >> shift) / 1_000_000 * 1_000_000 });
        round_trips(&Bytes { bytes: bytes >> shift });
        round_trips(&Bytes { bytes: bytes >> shift << shift });
    }

    #[test]
    fn canonical_decimals_read_back_to_the_last_digit_but_one(value in 1e-6..1e9f64) {
        let close = |read: f64| (read / value - 1.0).abs() < 1e-14;
        assert!(close(read::<Rate>(&Rate { per_second: value }.to_string()).per_second));
        assert!(close(read::<Ratio>(&Ratio { value }.to_string()).value));
        assert!(close(read::<Bandwidth>(&Bandwidth { bytes_per_second: value }.to_string()).bytes_per_second));
        assert!(close(read::<HourlyPrice>(&HourlyPrice { usd_per_hour: value }.to_string()).usd_per_hour));
        assert!(close(read::<RequestPrice>(&RequestPrice { usd_per_request: value }.to_string()).usd_per_request));
        assert!(close(read::<TransferPrice>(&TransferPrice { usd_per_byte: value }.to_string()).usd_per_byte));
    }
}
