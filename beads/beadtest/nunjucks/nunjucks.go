// Package nunjucks renders templates as Backstage's scaffolder does: by nunjucks itself, with the marks ${{ and }}. It
// is a program in JavaScript, which runs here without a file system, a network or a clock.
//
// nunjucks.min.js is the browser bundle of https://www.npmjs.com/package/nunjucks, version 3.2.4, unchanged; its
// licence is in LICENSE. backstage.js is ours: Backstage's own filters, written anew from what their documentation
// says.
package nunjucks

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/dop251/goja"
)

//go:embed nunjucks.min.js
var library string

//go:embed backstage.js
var backstage string

// Options are settings of fetch:template that reach nunjucks.
type Options struct {
	TrimBlocks   bool // remove the first end of line after a block
	LstripBlocks bool // remove blanks before a block at the beginning of a line
}

// Engine renders templates. It is for one goroutine at a time.
type Engine struct {
	machine *goja.Runtime
	render  goja.Callable
}

// New makes an engine, which takes some 20 milliseconds.
func New() (*Engine, error) {
	machine := goja.New()
	machine.SetMaxCallStackSize(maxDepth)
	if err := machine.Set("window", machine.GlobalObject()); err != nil {
		return nil, fmt.Errorf("starting nunjucks: %w", err)
	}
	if _, err := machine.RunScript("nunjucks.js", library); err != nil {
		return nil, fmt.Errorf("starting nunjucks: %w", err)
	}
	value, err := machine.RunScript("backstage.js", backstage)
	if err != nil {
		return nil, fmt.Errorf("starting nunjucks: %w", err)
	}
	render, ok := goja.AssertFunction(value)
	if !ok {
		return nil, errors.New("starting nunjucks: backstage.js is no function")
	}
	return &Engine{machine: machine, render: render}, nil
}

// maxDepth bounds how deep a template's calls go.
const maxDepth = 2000

// Render renders a template with what it sees: names and values that JSON can hold. The error says where in the
// template it is wrong, as nunjucks says it. A template that does not end is ended with ctx.
func (e *Engine) Render(ctx context.Context, template string, values map[string]any, o Options) (string, error) {
	encoded, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encoding what the template sees: %w", err)
	}
	defer context.AfterFunc(ctx, func() { e.machine.Interrupt(context.Cause(ctx)) })()
	defer e.machine.ClearInterrupt()
	result, err := e.render(goja.Undefined(), e.machine.ToValue(template), e.machine.ToValue(string(encoded)),
		e.machine.ToValue(o.TrimBlocks), e.machine.ToValue(o.LstripBlocks))
	if interrupted := new(goja.InterruptedError); errors.As(err, &interrupted) {
		return "", fmt.Errorf("rendering a template that does not end: %w", context.Cause(ctx))
	}
	if thrown := new(goja.Exception); errors.As(err, &thrown) {
		return "", errors.New(explain(thrown.Value().String()))
	}
	if err != nil {
		return "", err
	}
	return result.String(), nil
}

// Value evaluates a text as the input of an action is evaluated: one that is a single expression gives the expression's
// value, of whatever type, and nil if that is undefined; any other gives text.
func (e *Engine) Value(ctx context.Context, text string, values map[string]any) (any, error) {
	if !strings.Contains(text, "${{") && !strings.Contains(text, "{%") && !strings.Contains(text, "{#") {
		return text, nil
	}
	if single := expression.FindStringSubmatch(text); single != nil && !strings.Contains(single[1], "}}") {
		dumped, err := e.Render(ctx, "${{ ( "+single[1]+" ) | dump }}", values, Options{})
		if err == nil {
			var value any
			if dumped == "" || json.Unmarshal([]byte(dumped), &value) != nil {
				return nil, nil
			}
			return value, nil
		}
		// What is no expression may be a template all the same; if it is neither, that says why.
	}
	return e.Render(ctx, text, values, Options{})
}

// expression is a text that is nothing but ${{ ... }}.
var expression = regexp.MustCompile(`(?s)^\s*\$\{\{(.+)\}\}\s*$`)

// prefix is what nunjucks says before what is wrong.
var prefix = regexp.MustCompile(`^(Template render error|Error): (\(unknown path\))?\s*`)

// explain makes one line of nunjucks' messages.
func explain(message string) string {
	for prefix.MatchString(message) {
		message = prefix.ReplaceAllString(message, "")
	}
	return strings.Join(strings.Fields(message), " ")
}
