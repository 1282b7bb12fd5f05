package render

import (
	"strings"
	"testing"

	"github.com/google/cel-go/cel"

	"github.com/back-stack/backstack/hub/spec"
)

func TestEveryExpressionCompilesToWhatItMustBe(t *testing.T) {
	evaluator := newEvaluator(t)
	for name, p := range policies(t, hub(t, demo())) {
		for _, condition := range p.Spec.MatchConditions {
			if _, kind := evaluator.compile(t, condition.Expression); !kind.IsExactType(cel.BoolType) {
				t.Errorf("%s: condition %s is %s: want bool", name, condition.Name, kind)
			}
		}
		for _, variable := range p.Spec.Variables {
			evaluator.compile(t, variable.Expression)
		}
		for _, v := range p.Spec.Validations {
			if _, kind := evaluator.compile(t, v.Expression); !kind.IsExactType(cel.BoolType) {
				t.Errorf("%s: %s is %s: want bool", name, v.Expression, kind)
			}
			if v.Message == "" {
				t.Errorf("%s: %s has no message", name, v.Expression)
			}
			if v.MessageExpression == "" {
				continue
			}
			if _, kind := evaluator.compile(t, v.MessageExpression); !kind.IsExactType(cel.StringType) {
				t.Errorf("%s: %s is %s: want string", name, v.MessageExpression, kind)
			}
		}
	}
}

func TestModeSaysWhatPoliciesDo(t *testing.T) {
	for _, test := range []struct {
		hub                   *spec.Hub
		action, failurePolicy string
	}{
		{demo(), "Audit", "Ignore"},
		{demo(enforcing), "Deny", "Fail"},
	} {
		for name, p := range policies(t, hub(t, test.hub)) {
			if got := strings.Join(p.Spec.ValidationActions, ","); got != test.action {
				t.Errorf("%s: %s does %s: want %s", test.hub.Spec.Policies.Mode, name, got, test.action)
			}
			if p.Spec.FailurePolicy != test.failurePolicy {
				t.Errorf("%s: without Kyverno %s does %s: want %s", test.hub.Spec.Policies.Mode, name, p.Spec.FailurePolicy,
					test.failurePolicy)
			}
		}
	}
}

func TestSingleTenant(t *testing.T) {
	cel := newEvaluator(t)
	h := demo(func(h *spec.Hub) { h.Spec.Policies.Namespaces = []string{"monitoring"} })
	p := policies(t, hub(t, h))["single-tenant"]
	for _, test := range []struct {
		namespace string
		allowed   bool
	}{
		{`{'metadata': {'name': 'argocd'}}`, true},
		{`{'metadata': {'name': 'crossplane-system'}}`, true},
		{`{'metadata': {'name': 'kyverno'}}`, true},
		{`{'metadata': {'name': 'gitea'}}`, true},
		{`{'metadata': {'name': 'backstage'}}`, true},
		{`{'metadata': {'name': 'requests'}}`, true},
		{`{'metadata': {'name': 'default'}}`, true},
		{`{'metadata': {'name': 'kube-node-lease'}}`, true},
		{`{'metadata': {'name': 'monitoring'}}`, true},
		{`{'metadata': {'name': 'bead-naas', 'labels': {'backstack.dev/bead': 'naas'}}}`, true},
		{`{'metadata': {'name': 'shop'}}`, false},
		{`{'metadata': {'name': 'shop', 'labels': {}}}`, false},
		{`{'metadata': {'name': 'shop', 'labels': {'team': 'shop'}}}`, false},
		{`{'metadata': {'name': 'shop', 'labels': {'backstack.dev/bead': ''}}}`, false},
		{`{'metadata': {'name': 'kubernetes'}}`, false},
		{`{'metadata': {'name': 'argocd-2'}}`, false},
	} {
		_, message := p.judge(t, cel, object(t, test.namespace))
		if (message == "") != test.allowed {
			t.Errorf("%s is allowed: %v, want %v", test.namespace, message == "", test.allowed)
		}
		named := strings.Contains(message, "Namespace ") && strings.Contains(message, "spec.policies.namespaces")
		if message != "" && !named {
			t.Errorf("%s: %q says not which namespace and what would be right", test.namespace, message)
		}
	}
}

func TestBeadLabels(t *testing.T) {
	cel := newEvaluator(t)
	p := policies(t, hub(t, demo()))["bead-labels"]
	for _, test := range []struct {
		name, object     string
		matched, allowed bool
	}{
		{"nobody's", `{'metadata': {'name': 'a'}}`, false, true},
		{"the hub's", `{'metadata': {'name': 'a', 'annotations': {
			'argocd.argoproj.io/tracking-id': 'kyverno:/ConfigMap:kyverno/a'}}}`, false, true},
		{"labelled", `{'metadata': {'name': 'a', 'labels': {'backstack.dev/bead': 'naas'}, 'annotations': {
			'argocd.argoproj.io/tracking-id': 'bead-naas:/ConfigMap:bead-naas/a'}}}`, true, true},
		{"not labelled", `{'metadata': {'name': 'a', 'annotations': {
			'argocd.argoproj.io/tracking-id': 'bead-naas:/ConfigMap:bead-naas/a'}}}`, true, false},
		{"labelled otherwise", `{'metadata': {'name': 'a', 'labels': {'team': 'shop'}, 'annotations': {
			'argocd.argoproj.io/tracking-id': 'bead-naas:/ConfigMap:bead-naas/a'}}}`, true, false},
		{"labelled as another", `{'metadata': {'name': 'a', 'labels': {'backstack.dev/bead': 'gke'}, 'annotations': {
			'argocd.argoproj.io/tracking-id': 'bead-naas:/ConfigMap:bead-naas/a'}}}`, true, false},
		{"with hyphens", `{'metadata': {'name': 'a', 'labels': {'backstack.dev/bead': 'a-b-c'}, 'annotations': {
			'argocd.argoproj.io/tracking-id': 'bead-a-b-c:rbac.authorization.k8s.io/ClusterRole:bead-a-b-c/a'}}}`, true, true},
		{"being deleted", `{'metadata': {'name': 'a', 'deletionTimestamp': '2026-11-20T10:00:00Z', 'annotations': {
			'argocd.argoproj.io/tracking-id': 'bead-naas:/ConfigMap:bead-naas/a'}}}`, false, true},
	} {
		matched, message := p.judge(t, cel, object(t, test.object))
		if matched != test.matched || (message == "") != test.allowed {
			t.Errorf("%s: it is about it: %v, want %v; allowed: %v (%s), want %v", test.name,
				matched, test.matched, message == "", message, test.allowed)
		}
		if message != "" && !strings.Contains(message, "Give it the label backstack.dev/bead: naas.") {
			t.Errorf("%s: %q does not say what would be right", test.name, message)
		}
	}
}
