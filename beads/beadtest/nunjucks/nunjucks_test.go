package nunjucks

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func engine(t *testing.T) *Engine {
	t.Helper()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var values = map[string]any{"values": map[string]any{
	"name": "Shop", "count": 3, "private": true, "list": []any{"a", "b"}, "labels": map[string]any{"team": "a"},
	"repo": "git.example?owner=platform&repo=requests", "owner": "group:default/platform",
}}

func TestTemplatesAreRenderedAsBackstageDoes(t *testing.T) {
	e := engine(t)
	for template, want := range map[string]string{
		"${{ values.name }}: ${{ values.count }}":                "Shop: 3",
		"${{ values.private }}":                                  "true",
		"${{ values.name | lower | replace('s', 'x') }}":         "xhop",
		"${{ values.labels | dump }}":                            `{"team":"a"}`,
		"a${{ values.nothing.at.all }}b":                         "ab",
		"{%- if values.count === 3 %} three{% endif %}":          " three",
		"{% for item in values.list %}${{ item }},{% endfor %}":  "a,b,",
		"${{ values.list.length }}":                              "2",
		"{{ .Values.name }}":                                     "{{ .Values.name }}",
		"${{ values.repo | parseRepoUrl | pick('owner') }}":      "platform",
		"${{ values.repo | projectSlug }}":                       "platform/requests",
		"${{ (values.owner | parseEntityRef).name }}":            "platform",
		"${{ values.owner | parseEntityRef | pick('kind') }}":    "group",
		"<b>${{ '<i>' }}</b>":                                    "<b><i></b>",
		"{% raw %}${{ values.name }}{% endraw %}":                "${{ values.name }}",
		"${{ values.missing or values.name }}":                   "Shop",
		"{% set x = 1 %}${{ x }}":                                "1",
		"${{ 'yes' if values.private else 'no' }}":               "yes",
		"${{ values.missing | default('none') }}":                "none",
		"${{ values.list | join('-') }}":                         "a-b",
		"${{ 'user:ann' | parseEntityRef | pick('namespace') }}": "default",
	} {
		got, err := e.Render(t.Context(), template, values, Options{})
		if err != nil || got != want {
			t.Errorf("%s is %q, %v: want %q", template, got, err, want)
		}
	}
}

func TestWhatIsWrongInATemplateIsSaidInOneLine(t *testing.T) {
	e := engine(t)
	for template, want := range map[string]string{
		"a\n${{ values.name":        "expected variable end",
		"{% if %}":                  "[Line 1, Column 7] unexpected token: %}",
		"${{ values.name | nope }}": "filter not found: nope",
		"{% include 'x' %}":         "template not found: x",
		"${{ 'a' | parseRepoUrl }}": `"a" is no repoUrl`,
	} {
		_, err := e.Render(t.Context(), template, values, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", template, err, want)
		}
	}
}

func TestATemplateThatDoesNotEndIsEnded(t *testing.T) {
	e := engine(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	const endless = "{% for a in range(1000000000) %}{% endfor %}"
	if _, err := e.Render(ctx, endless, nil, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
	if got, err := e.Render(t.Context(), "a", nil, Options{}); err != nil || got != "a" {
		t.Errorf("rendering after that: %q, %v", got, err)
	}
}

func TestBlocksAreTrimmedWhereThatIsAskedFor(t *testing.T) {
	e := engine(t)
	const template = "a\n  {% if true %}\nb\n  {% endif %}\n"
	for o, want := range map[Options]string{
		{}: "a\n  \nb\n  \n", {TrimBlocks: true, LstripBlocks: true}: "a\nb\n",
	} {
		if got, err := e.Render(t.Context(), template, nil, o); err != nil || got != want {
			t.Errorf("with %+v it is %q, %v: want %q", o, got, err, want)
		}
	}
}

func TestAnExpressionKeepsItsType(t *testing.T) {
	e := engine(t)
	for text, want := range map[string]any{
		"${{ values.count }}":                          float64(3),
		" ${{ values.labels }} ":                       map[string]any{"team": "a"},
		"${{ values.missing }}":                        nil,
		"${{ values.count }} of ${{ values.private }}": "3 of true",
		"plain":                     "plain",
		"${{ values.count > 2 }}":   true,
		"n-${{ values.name }}":      "n-Shop",
		"{% if true %}x{% endif %}": "x",
	} {
		got, err := e.Value(t.Context(), text, values)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, %v: want %#v", text, got, err, want)
		}
	}
	if _, err := e.Value(t.Context(), "${{ values. }}", values); err == nil {
		t.Error("what is neither an expression nor a template is taken")
	}
}
