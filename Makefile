.PHONY: check bless plots bench coverage fuzz

# What must hold before a change lands.
check:
	.ci/run

# Accept today's diagnostics and trajectories, after looking at them.
bless:
	INSTA_UPDATE=always FORESCALE_BLESS=1 cargo test --release --test diagnostics --test behaviour

# Bring the charts and results in plots/ up to date.
plots:
	cargo run --release -- run experiments/*.ron

# Speed beside the hand-written loops.
bench:
	cargo bench --bench engine

# How often intervals cover the truth.
coverage:
	cargo bench --bench coverage -- --seeds 1000

# Needs cargo-fuzz and a nightly toolchain.
fuzz:
	cargo +nightly fuzz run loader -- -max_total_time=300
