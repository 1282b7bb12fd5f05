package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// credential is what a kind of credential looks like.
type credential struct {
	what    string
	has     []string // texts of which one is in every such credential: files without are not searched
	pattern *regexp.Regexp
}

// credentials are those that are told by their form alone, as their issuers document it.
var credentials = []credential{
	{"a private key", []string{"PRIVATE KEY"},
		regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----`)},
	{"an AWS access key", []string{"AKIA", "ASIA"}, regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b`)},
	{"an AWS secret key", []string{"ecret"},
		regexp.MustCompile(`(?i)aws_?secret_?access_?key["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}\b`)},
	{"a GitHub token", []string{"gh", "github_pat_"},
		regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})`)},
	{"a GitLab token", []string{"glpat-"}, regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"a Slack token", []string{"xox"}, regexp.MustCompile(`\bxox[abposr]-[A-Za-z0-9-]{10,}`)},
	{"a Google API key", []string{"AIza"}, regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	{"a Google service account's key", []string{"private_key_id"},
		regexp.MustCompile(`"private_key_id"\s*:\s*"[0-9a-f]{40}"`)},
	{"an Azure storage key", []string{"AccountKey="}, regexp.MustCompile(`\bAccountKey=[A-Za-z0-9+/]{60,}={0,2}`)},
	{"an npm token", []string{"npm_"}, regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"a kubeconfig's key or token", []string{"client-key-data", "token:"},
		regexp.MustCompile(`(?m)^\s*(?:- )?(?:client-key-data|token):\s*["']?[A-Za-z0-9+/=._-]{30,}`)},
	{"a JSON web token", []string{"eyJ"},
		regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)},
	{"a password in a URL", []string{"://"},
		regexp.MustCompile(`\b[a-z][a-z0-9+]*://[^\s:/@${}<>]+:[^\s:/@${}<>]{4,}@[a-z0-9]`)},
}

// in says whether a file may hold the credential.
func (c credential) in(content string) bool {
	return slices.ContainsFunc(c.has, func(text string) bool { return strings.Contains(content, text) })
}

// secretNames are what fields with a password are called, or end in.
const secretNames = `(?:password|passwd|passphrase|secret_?key|api_?key|api_?token)`

// secretName is such a name by itself.
var secretName = regexp.MustCompile(`(?i)` + secretNames + `$`)

// password is a field with a password's name and a value that is written out.
var password = regexp.MustCompile(
	`(?im)^\s*(?:- )?["']?([a-z0-9_.-]*` + secretNames + `)["']?:[ \t]+(\S.*?)[ \t\r]*$`)

// hint is in every name of a password.
var hint = regexp.MustCompile(`(?i)` + secretNames)

// checkSecrets reports what looks like a credential. What is found is not shown: messages end up in logs.
func (l *linter) checkSecrets(name, content string) {
	for _, c := range credentials {
		if !c.in(content) {
			continue
		}
		for _, found := range c.pattern.FindAllStringIndex(content, -1) {
			start := found[0] + len(content[found[0]:found[1]]) - len(strings.TrimLeft(content[found[0]:found[1]], " \t\r\n"))
			l.report(ruleSecret, name, lineAt([]byte(content), start), 0,
				"this looks like %s: take it out, revoke it, and refer to a Secret in spec.secrets of bead.yaml", c.what)
		}
	}
	if path.Ext(name) == ".md" || strings.HasPrefix(name, "templates/") && strings.Count(name, "/") > 2 && !isYAML(name) {
		return // prose and programs have words after a colon
	}
	if !hint.MatchString(content) {
		return
	}
	for _, found := range password.FindAllStringSubmatchIndex(content, -1) {
		if literal(content[found[4]:found[5]]) {
			l.report(ruleSecret, name, lineAt([]byte(content), found[2]), 0,
				"%s has a value that is written out: take it out, and refer to a Secret in spec.secrets of bead.yaml",
				content[found[2]:found[3]])
		}
	}
}

// literal says whether a field's value is a password that is written out, and not a reference, a placeholder, a schema
// or nothing.
func literal(value string) bool {
	value, _, _ = strings.Cut(value, " #")
	value = strings.Trim(strings.TrimSpace(value), `"'`)
	switch strings.ToLower(value) {
	case "", "null", "~", "true", "false", "string", "password", "{}", "[]", "|", ">", "|-", ">-":
		return false
	}
	return !strings.ContainsAny(value[:1], "{[$<*&!%#") && !strings.Contains(value, "{{") && !strings.Contains(value, "${")
}
