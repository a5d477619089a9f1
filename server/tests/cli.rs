//! The program as its operator meets it: what it prints, and its exit codes.

use std::process::{Command, Output};

#[test]
fn a_server_without_keys_says_how_to_make_them_and_exits_78() {
    let output = plenary(&["serve"], &[]);

    assert_eq!(output.status.code(), Some(78));
    let text = error(&output);
    assert!(
        text.contains("plenary keys new") && text.contains("--dev"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn a_server_with_a_weak_secret_exits_78_and_does_not_show_it() {
    let output = plenary(&["serve"], &[("LIVEKIT_KEYS", "devkey: canary-a81e")]);

    assert_eq!(output.status.code(), Some(78));
    assert!(error(&output).contains("shorter than 32 bytes"));
    assert!(!error(&output).contains("canary"));
}

#[test]
fn a_development_server_refuses_to_be_reached_from_elsewhere() {
    let output = plenary(&["serve", "--dev", "--http-listen", "0.0.0.0:7880"], &[]);

    assert_eq!(output.status.code(), Some(78));
    assert!(error(&output).contains("http.listen 0.0.0.0:7880 is no loopback address"));
}

#[test]
fn an_unknown_setting_exits_78_and_an_unknown_flag_2() {
    let variable = plenary(&["config"], &[("PLENARY_WORKRES", "1")]);
    assert_eq!(variable.status.code(), Some(78));
    assert!(error(&variable).contains("did you mean \"PLENARY_WORKERS\"?"));

    let flag = plenary(&["config", "--workres", "1"], &[]);
    assert_eq!(flag.status.code(), Some(2));
    assert!(error(&flag).contains("--workers"));
}

#[test]
fn a_new_key_signs_tokens_and_is_hidden_where_the_configuration_is_shown() {
    let key = output(&plenary(&["keys", "new"], &[]));
    let (name, secret) = key.trim().split_once(": ").expect("a key and its secret");
    let environment = [("LIVEKIT_KEYS", key.trim())];

    let token = output(&plenary(
        &["token", "--room", "blue", "--identity", "ann"],
        &environment,
    ));
    assert_eq!(token.trim().split('.').count(), 3);

    let shown = plenary(&["config"], &environment);
    assert_eq!(shown.status.code(), Some(0));
    assert!(output(&shown).contains(name) && !output(&shown).contains(secret));
}

#[test]
fn a_token_that_would_allow_nothing_is_refused() {
    let key = output(&plenary(&["keys", "new"], &[]));

    let refused = plenary(
        &["token", "--room", "blue"],
        &[("LIVEKIT_KEYS", key.trim())],
    );

    assert_eq!(refused.status.code(), Some(2));
    assert!(error(&refused).contains("would allow nothing"));
}

#[test]
fn help_teaches_by_examples() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["token", "--help"],
        &["config", "--help"],
    ] {
        let help = plenary(arguments, &[]);

        assert_eq!(help.status.code(), Some(0));
        assert!(
            output(&help).contains("Examples:\n  plenary "),
            "{arguments:?}"
        );
    }
}

/// Runs the program with these arguments and nothing in the environment but these variables.
fn plenary(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plenary"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("the program runs")
}

fn output(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
