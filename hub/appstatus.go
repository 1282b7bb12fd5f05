package hub

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/kube"
)

// ApplicationStatus is what Argo CD says of an Application.
type ApplicationStatus struct {
	Name   string `json:"name"`
	Sync   string `json:"sync"`             // Synced, OutOfSync or Unknown
	Health string `json:"health"`           // Healthy, Progressing, Degraded, Suspended, Missing or Unknown
	Reason string `json:"reason,omitempty"` // why it is not Synced and Healthy

	revision   string // the commit that Sync speaks of
	repository string // its URL
	project    string
	busy       bool // whether an operation runs or is to, or a comparison is to
}

// Healthy says whether there is nothing to wait for.
func (a ApplicationStatus) Healthy() bool { return a.Sync == "Synced" && a.Health == "Healthy" }

// Cause says in one line what the Application is, and why.
func (a ApplicationStatus) Cause() string {
	return fmt.Sprintf("application %s: %s, %s: %s", a.Name, a.Sync, a.Health, cmp.Or(a.Reason, "no reason given"))
}

// ApplicationStatusOf reads an Application's status.
func ApplicationStatusOf(app *unstructured.Unstructured) ApplicationStatus {
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedString(app.Object, path...)
		return value
	}
	status := ApplicationStatus{
		Name:       app.GetName(),
		Sync:       cmp.Or(text("status", "sync", "status"), "Unknown"),
		Health:     cmp.Or(text("status", "health", "status"), "Unknown"),
		revision:   text("status", "sync", "revision"),
		repository: text("spec", "source", "repoURL"),
		project:    text("spec", "project"),
	}
	_, asked := app.Object["operation"]
	_, compared := app.GetAnnotations()[refreshAnnotation]
	status.busy = asked || compared || text("status", "operationState", "phase") == "Running"
	if !status.Healthy() {
		status.Reason = reason(app)
	}
	return status
}

// reason collects why an Application is not Synced and Healthy: its conditions, its last operation, its resources.
func reason(app *unstructured.Unstructured) string {
	var reasons []string
	conditions, _, _ := unstructured.NestedSlice(app.Object, "status", "conditions")
	for _, item := range conditions {
		if condition, ok := item.(map[string]any); ok {
			reasons = append(reasons, fmt.Sprint(condition["message"]))
		}
	}
	phase, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "phase")
	message, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "message")
	if phase != "Succeeded" && message != "" {
		reasons = append(reasons, message)
	}
	for _, resource := range resourcesOf(app) {
		if text := resourceReason(resource); text != "" {
			reasons = append(reasons, text)
		}
	}
	// In one line: the messages of git and helm have several.
	return strings.Join(strings.Fields(strings.Join(slices.Compact(reasons), "; ")), " ")
}

// resourcesOf are what an Application's status says of its resources.
func resourcesOf(app *unstructured.Unstructured) []map[string]any {
	items, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
	var resources []map[string]any
	for _, item := range items {
		if resource, ok := item.(map[string]any); ok {
			resources = append(resources, resource)
		}
	}
	return resources
}

// stuckResources are the resources of an Application that are not healthy.
func stuckResources(app *unstructured.Unstructured) []corev1.ObjectReference {
	var stuck []corev1.ObjectReference
	for _, resource := range resourcesOf(app) {
		text := func(path ...string) string {
			value, _, _ := unstructured.NestedString(resource, path...)
			return value
		}
		if health := text("health", "status"); health != "" && health != "Healthy" {
			stuck = append(stuck, corev1.ObjectReference{Kind: text("kind"), Namespace: text("namespace"), Name: text("name")})
		}
	}
	return stuck
}

// mostEvents is of how many stuck resources of an Application the last event is told.
const mostEvents = 3

// addEvents adds to the reason of an Application that is not healthy the last events of it and of what in it is stuck.
func (a *ApplicationStatus) addEvents(ctx context.Context, client *kube.Client, app *unstructured.Unstructured) {
	if a.Healthy() {
		return
	}
	about := stuckResources(app)
	about = append(about[:min(len(about), mostEvents)],
		corev1.ObjectReference{Kind: app.GetKind(), Namespace: app.GetNamespace(), Name: app.GetName(), UID: app.GetUID()})
	reasons := []string{a.Reason}
	for _, object := range about {
		if event := client.LastEvent(ctx, object); event != "" {
			reasons = append(reasons, fmt.Sprintf("last event of %s %s: %s", object.Kind, object.Name, event))
		}
	}
	a.Reason = strings.TrimPrefix(strings.Join(reasons, "; "), "; ")
}

func resourceReason(resource map[string]any) string {
	name := fmt.Sprint(resource["kind"], " ", resource["name"])
	if health, ok := resource["health"].(map[string]any); ok && health["status"] != "Healthy" && health["status"] != nil {
		if message, ok := health["message"].(string); ok && message != "" {
			return fmt.Sprintf("%s is %v: %s", name, health["status"], message)
		}
		return fmt.Sprintf("%s is %v", name, health["status"])
	}
	if status := resource["status"]; status == "OutOfSync" {
		return name + " is OutOfSync"
	}
	return ""
}
