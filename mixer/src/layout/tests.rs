//! Whole layouts.
