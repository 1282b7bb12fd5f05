package existing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Right is what an account has to be allowed.
type Right struct {
	Group     string   // the API group; empty for the core's
	Resource  string   // the plural of a kind, and its subresource if that is meant: pods/log
	Verbs     []string // get, list, watch, create, patch, update, delete, bind, escalate
	Namespace string   // empty: in every namespace, or the resource has none
}

// Verbs that go together.
var (
	look   = []string{"get", "list", "watch"}
	sweep  = []string{"list", "watch", "delete"}
	manage = []string{"get", "list", "watch", "create", "patch", "delete"}
)

// clusterRights are what installing and removing a hub take that no namespace bounds.
func (o Options) clusterRights() []Right {
	rights := []Right{
		{Resource: "namespaces", Verbs: manage},
		{Resource: "persistentvolumes", Verbs: []string{"list"}},
		{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions", Verbs: manage},
		// The components are granted more than most people have, which takes bind and escalate.
		{Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Verbs: with(manage, "bind", "escalate")},
		{Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings", Verbs: manage},
		// The components make these themselves; removing a hub removes them.
		{Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations", Verbs: sweep},
		{Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Verbs: sweep},
		{Group: "apiregistration.k8s.io", Resource: "apiservices", Verbs: sweep},
	}
	for group, resources := range map[string][]string{
		"pkg.crossplane.io":           {"configurations", "functions", "providers"},
		"apiextensions.crossplane.io": {"compositeresourcedefinitions", "compositions", "managedresourceactivationpolicies"},
		"policies.kyverno.io":         {"deletingpolicies", "generatingpolicies", "mutatingpolicies", "validatingpolicies"},
	} {
		for _, resource := range resources {
			rights = append(rights, Right{Group: group, Resource: resource, Verbs: manage})
		}
	}
	if o.Storage {
		rights = append(rights, Right{Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"list"}})
	}
	return rights
}

// namespaceRights are what installing and removing take in each of the hub's namespaces.
func namespaceRights() []Right {
	rights := []Right{
		{Resource: "pods", Verbs: with(look, "delete")},
		{Resource: "pods/log", Verbs: []string{"get"}},
		{Resource: "pods/portforward", Verbs: []string{"create"}},
		{Resource: "events", Verbs: []string{"list"}},
		{Group: "apps", Resource: "daemonsets", Verbs: []string{"list"}},
		{Group: "apps", Resource: "replicasets", Verbs: []string{"list"}},
		{Group: "rbac.authorization.k8s.io", Resource: "roles", Verbs: with(manage, "bind", "escalate")},
		{Group: "policies.kyverno.io", Resource: "policyexceptions", Verbs: manage},
	}
	for group, resources := range map[string][]string{
		"":                          {"configmaps", "persistentvolumeclaims", "secrets", "serviceaccounts", "services"},
		"apps":                      {"deployments", "statefulsets"},
		"batch":                     {"cronjobs", "jobs"},
		"policy":                    {"poddisruptionbudgets"},
		"networking.k8s.io":         {"ingresses", "networkpolicies"},
		"rbac.authorization.k8s.io": {"rolebindings"},
		"argoproj.io":               {"applications", "applicationsets", "appprojects"},
	} {
		for _, resource := range resources {
			rights = append(rights, Right{Group: group, Resource: resource, Verbs: manage})
		}
	}
	return rights
}

func with(verbs []string, more ...string) []string { return append(slices.Clone(verbs), more...) }

// question is one thing that an account is allowed or not.
type question struct{ group, resource, verb, namespace string }

func (r Right) questions(namespace string) []question {
	var questions []question
	for _, verb := range r.Verbs {
		questions = append(questions, question{r.Group, r.Resource, verb, namespace})
	}
	return questions
}

// checkRights returns everything that the account is not allowed and installing takes.
func (c *Cluster) checkRights(ctx context.Context, a *apiServer) error {
	var questions, anywhere []question
	for _, right := range c.options.clusterRights() {
		questions = append(questions, right.questions("")...)
	}
	for _, right := range c.options.Rights {
		questions = append(questions, right.questions(right.Namespace)...)
	}
	for _, right := range namespaceRights() {
		anywhere = append(anywhere, right.questions("")...)
	}
	denied, err := a.denied(ctx, append(questions, anywhere...))
	if err != nil {
		return err
	}
	if denied, err = c.narrow(ctx, a, denied, anywhere); err != nil || len(denied) == 0 {
		return err
	}
	return fmt.Errorf("%s is not allowed what installing a hub takes; want these as well, or the ClusterRole "+
		"cluster-admin:\n  %s", a.account(ctx), strings.Join(describe(denied), "\n  "))
}

// narrow asks for each of the hub's namespaces what is denied for all of them together, and is wanted in those alone.
func (c *Cluster) narrow(ctx context.Context, a *apiServer, denied, anywhere []question) ([]question, error) {
	var still, again []question
	for _, q := range denied {
		if !slices.Contains(anywhere, q) {
			still = append(still, q)
			continue
		}
		for _, namespace := range c.options.hubNamespaces() {
			q.namespace = namespace
			again = append(again, q)
		}
	}
	denied, err := a.denied(ctx, again)
	return append(still, denied...), err
}

// denied asks the API server all questions, and returns those that it answers with no, in their order.
func (a *apiServer) denied(ctx context.Context, questions []question) ([]question, error) {
	no := make([]bool, len(questions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, q := range questions {
		group.Go(func() error {
			resource, subresource, _ := strings.Cut(q.resource, "/")
			review, err := a.authorization.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
				Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
					Group: q.group, Resource: resource, Subresource: subresource, Verb: q.verb, Namespace: q.namespace,
				}},
			}, metav1.CreateOptions{})
			if err != nil {
				return fmt.Errorf("asking the API server what this account is allowed: %w", err)
			}
			no[i] = !review.Status.Allowed
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var denied []question
	for i, q := range questions {
		if no[i] {
			denied = append(denied, q)
		}
	}
	return denied, nil
}

// describe puts what is denied into lines: one for resources with the same verbs in the same namespaces.
func describe(denied []question) []string {
	type object struct{ namespace, resource string }
	verbs := map[object][]string{}
	for _, q := range denied {
		resource, subresource, sub := strings.Cut(q.resource, "/")
		if q.group != "" {
			resource += "." + q.group
		}
		if sub {
			resource += "/" + subresource
		}
		at := object{q.namespace, resource}
		if !slices.Contains(verbs[at], q.verb) {
			verbs[at] = append(verbs[at], q.verb)
		}
	}
	// First the namespaces in which a resource lacks the same, then the resources that lack the same in the same.
	type line struct{ namespaces, verbs string }
	type cell struct{ resource, verbs string }
	namespaces := map[cell][]string{}
	for at, list := range verbs {
		slices.SortFunc(list, func(a, b string) int {
			return cmp.Compare(slices.Index(order(), a), slices.Index(order(), b))
		})
		key := cell{at.resource, strings.Join(list, ", ")}
		namespaces[key] = append(namespaces[key], at.namespace)
	}
	resources := map[line][]string{}
	for key, list := range namespaces {
		slices.Sort(list)
		at := line{strings.Join(list, ", "), key.verbs}
		resources[at] = append(resources[at], key.resource)
	}
	var lines []string
	for at, list := range resources {
		slices.Sort(list)
		text := at.verbs + ": " + strings.Join(list, ", ")
		if at.namespaces != "" {
			text += " in " + at.namespaces
		}
		lines = append(lines, text)
	}
	slices.Sort(lines)
	return lines
}

// order is that of verbs in a message.
func order() []string { return with(manage, "update", "bind", "escalate") }
