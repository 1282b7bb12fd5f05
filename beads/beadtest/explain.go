package beadtest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// condition is what matters of an entry of status.conditions.
type condition struct{ kind, status, reason, message string }

// String is such as Synced=False (ReconcileError): cannot compose.
func (c condition) String() string {
	text := c.kind + "=" + c.status
	if c.reason != "" {
		text += " (" + c.reason + ")"
	}
	if c.message != "" {
		text += ": " + oneLine(c.message)
	}
	return text
}

// conditionsOf reads a list of conditions at a path of an object.
func conditionsOf(object *unstructured.Unstructured, path ...string) []condition {
	items, _, _ := unstructured.NestedSlice(object.Object, path...)
	var all []condition
	for _, item := range items {
		content, _ := item.(map[string]any)
		field := func(name string) string {
			value, _ := content[name].(string)
			return value
		}
		all = append(all, condition{field("type"), field("status"), field("reason"), field("message")})
	}
	return all
}

// because says what an object says of a condition that it is not in; "" if nothing.
func because(object *unstructured.Unstructured, kind string) string {
	for _, c := range conditionsOf(object, "status", "conditions") {
		if c.kind == kind {
			return ": " + c.String()
		}
	}
	return ""
}

// unmet lists the conditions at a path that an object is not in.
func unmet(object *unstructured.Unstructured, path ...string) string {
	text := ""
	for _, c := range conditionsOf(object, path...) {
		if c.status != "True" {
			text += ": " + c.String()
		}
	}
	return text
}

// mostEvents is how many of the newest events about an object are shown.
const mostEvents = 3

var events = schema.GroupVersionResource{Version: "v1", Resource: "events"}

// state says in lines how an object is: its conditions, and the last events about it.
func (s *stage) state(ctx context.Context, object *unstructured.Unstructured) []string {
	var lines []string
	for _, c := range conditionsOf(object, "status", "conditions") {
		lines = append(lines, "condition "+c.String())
	}
	list, err := s.client.List(ctx, events, "") // those of what is in no namespace are in default
	if err != nil {
		return append(lines, "its events cannot be read: "+err.Error())
	}
	about := slices.DeleteFunc(list, func(event unstructured.Unstructured) bool {
		return text(&event, "involvedObject", "uid") != string(object.GetUID()) || text(&event, "type") == "Normal"
	})
	slices.SortStableFunc(about, func(a, b unstructured.Unstructured) int {
		return strings.Compare(text(&a, "lastTimestamp"), text(&b, "lastTimestamp"))
	})
	for _, event := range about[max(0, len(about)-mostEvents):] {
		lines = append(lines, fmt.Sprintf("event %s: %s", text(&event, "reason"), oneLine(text(&event, "message"))))
	}
	return lines
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
