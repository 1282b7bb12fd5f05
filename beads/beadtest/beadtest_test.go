package beadtest

import (
	"cmp"
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

// read loads a Bead below testdata.
func read(t *testing.T, name string) *bead.Folder {
	t.Helper()
	files, err := artifact.ReadFS(os.DirFS("testdata/" + name))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := bead.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// runTests runs those tests of a Bead that need no hub.
func runTests(t *testing.T, o Options) (*Report, error) {
	t.Helper()
	o.Timeout, o.Only = time.Minute, cmp.Or(o.Only, regexp.MustCompile("^template$"))
	return Run(context.Background(), o, report.Discard)
}

func TestTestsOfTemplatesNeedNoHub(t *testing.T) {
	result, err := runTests(t, Options{Folder: read(t, "welcome")})
	if err != nil || result.Passed != 1 || result.Failed != 0 {
		t.Errorf("the result is %+v, %v: want one test that passed", result, err)
	}
}

func TestWhatIsNotAsExpectedOfFilesIsSaid(t *testing.T) {
	result, err := runTests(t, Options{Folder: read(t, "wrong")})
	if err != nil || result.Failed != 1 {
		t.Fatalf("the result is %+v, %v: want one test that failed", result, err)
	}
	said := strings.Join(result.Tests[0].Failures, "\n")
	for _, want := range []string{
		`cards/ada.yaml does not contain "name: Eve"; it is:`,
		"there is no file cards/eve.yaml: it makes cards/ada.yaml",
		" kind: Mistake\n",
		"name: maxLength: got 27, want 20",
		"there is no template mistke: want one of mistake",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the failures do not say %q:\n%s", want, said)
		}
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	bare := read(t, "welcome")
	for name := range bare.Files {
		if strings.HasPrefix(name, "tests/") {
			delete(bare.Files, name)
		}
	}
	for want, o := range map[string]Options{
		"has no tests": {Folder: bare},
		`no test of Bead welcome is called like "x"`: {Folder: read(t, "welcome"), Only: regexp.MustCompile("x")},
		"values of test template: wrod: Bead welcome has no such parameter": {
			Folder: read(t, "welcome"), Values: map[string]any{"wrod": "a"},
		},
	} {
		_, err := runTests(t, o)
		if request := new(hub.RequestError); !errors.As(err, &request) || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v: want a wrong request with %q", err, want)
		}
	}
}

func TestTestsWithTheSameValuesShareABead(t *testing.T) {
	folder := read(t, "welcome")
	tests, err := Load(folder.Files)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := Options{Folder: folder, Values: map[string]any{"word": "hi"}}.group(t.Context(), tests, bead.Hub{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		names := []string{g.values["word"].(string)}
		for _, test := range g.tests {
			names = append(names, test.Name)
		}
		got = append(got, strings.Join(names, " "))
	}
	if want := []string{"hi card manners template", "hej other-word"}; !slices.Equal(got, want) {
		t.Errorf("the groups are %q: want %q", got, want)
	}
}

func TestAHubRunsOnlyWhatABeadNeeds(t *testing.T) {
	for bead, want := range map[string]needs{
		"welcome":   {crossplane: true, kyverno: []string{"kyverno", "kyverno-background-controller"}},
		"delivered": {kyverno: []string{"kyverno"}, delivery: true},
	} {
		folder := read(t, bead)
		tests, err := Load(folder.Files)
		if err != nil {
			t.Fatal(err)
		}
		groups, err := Options{Folder: folder}.group(t.Context(), tests, testHub())
		if err != nil {
			t.Fatal(err)
		}
		got := neededBy(groups)
		if got.crossplane != want.crossplane || got.delivery != want.delivery || !slices.Equal(got.kyverno, want.kyverno) {
			t.Errorf("%s needs %+v: want %+v", bead, got, want)
		}
	}
}

func testHub() bead.Hub {
	return bead.Hub{Name: "test", URL: "https://x/hub.git", Requests: "https://x/requests.git"}
}

// object makes an object of a kind with a spec.
func object(apiVersion, kind string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": "a"}, "spec": spec,
	}}
}

func TestKyvernosProgramsArePickedByPolicies(t *testing.T) {
	const version = "policies.kyverno.io/v1"
	existing := map[string]any{"evaluation": map[string]any{"mutateExisting": map[string]any{"enabled": true}}}
	for _, test := range []struct {
		policy *unstructured.Unstructured
		want   string
	}{
		{object(version, "ValidatingPolicy", nil), "kyverno"},
		{object(version, "MutatingPolicy", map[string]any{}), "kyverno"},
		{object(version, "MutatingPolicy", existing), "kyverno kyverno-background-controller"},
		{object(version, "NamespacedGeneratingPolicy", nil), "kyverno kyverno-background-controller"},
		{object(version, "DeletingPolicy", nil), "kyverno kyverno-cleanup-controller"},
	} {
		if got := strings.Join(kyvernoPrograms(test.policy), " "); got != test.want {
			t.Errorf("%s needs %s: want %s", test.policy.GetKind(), got, test.want)
		}
	}
}

func TestKindsAreFoundDeepInCompositions(t *testing.T) {
	kinds := make(map[schema.GroupKind]bool)
	collectKinds(map[string]any{
		"apiVersion": "apiextensions.crossplane.io/v1", "kind": "Composition",
		"spec": map[string]any{"resources": []any{map[string]any{"base": map[string]any{
			"apiVersion": "compute.example.com/v1", "kind": "Network",
			"spec": map[string]any{"apiVersion": "v1", "kind": "Secret"},
		}}}},
	}, kinds)
	if !kinds[schema.GroupKind{Group: "compute.example.com", Kind: "Network"}] || len(kinds) != 2 {
		t.Errorf("the kinds are %v: want Composition and Network", kinds)
	}
}

func TestWhatAClaimIsComposedOfIsRead(t *testing.T) {
	claim := object("a/v1", "A", map[string]any{
		"crossplane": map[string]any{"resourceRefs": []any{
			map[string]any{"apiVersion": "v1", "kind": "Namespace", "name": "n"},
			map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "namespace": "n"},
			map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}, // not made yet
		}},
	})
	claim.SetNamespace("requests")
	var got []string
	for _, reference := range references(claim) {
		got = append(got, reference.GetNamespace()+"/"+reference.GetKind()+"/"+reference.GetName())
	}
	if want := []string{"requests/Namespace/n", "n/ConfigMap/c"}; !slices.Equal(got, want) {
		t.Errorf("it is composed of %v: want %v", got, want)
	}
}

func TestOnlyTheRulesOfASumCountForIt(t *testing.T) {
	rule := map[string]any{"apiGroups": []any{"a"}}
	part := object("v1", "ClusterRole", nil)
	part.SetLabels(map[string]string{"to": "x"})
	part.Object["rules"] = []any{rule}
	sum := object("v1", "ClusterRole", nil)
	sum.Object["aggregationRule"] = map[string]any{"clusterRoleSelectors": []any{
		map[string]any{"matchLabels": map[string]any{"to": "x"}},
	}}
	if !adds(sum, part) || hasRules(sum, part) {
		t.Errorf("adds %v, has rules %v: want a sum without the part's rules", adds(sum, part), hasRules(sum, part))
	}
	sum.Object["rules"] = []any{map[string]any{"apiGroups": []any{"b"}}, rule}
	if !hasRules(sum, part) {
		t.Error("the sum has the rules: want that seen")
	}
	part.SetLabels(nil)
	if adds(sum, part) {
		t.Error("a role without the label is no part of the sum")
	}
}

func TestPoliciesThatOnlyReportAreNamed(t *testing.T) {
	report := object("policies.kyverno.io/v1", "ValidatingPolicy", map[string]any{"validationActions": []any{"Audit"}})
	deny := object("policies.kyverno.io/v1", "ValidatingPolicy", map[string]any{"validationActions": []any{"Deny"}})
	if got := auditing([]*unstructured.Unstructured{deny}); got != "" {
		t.Errorf("it says %q of a policy that refuses", got)
	}
	if got := auditing([]*unstructured.Unstructured{deny, report}); !strings.Contains(got, "a (Audit)") {
		t.Errorf("it says %q: want the policy that only reports", got)
	}
}

func TestTestsThatDoNotSeeEachOtherRunAtOnce(t *testing.T) {
	composing := func(name string, names ...string) Test {
		test := Test{Name: name}
		for _, claim := range names {
			test.Spec.Composes = append(test.Spec.Composes, Composition{Claim: map[string]any{
				"apiVersion": "a/v1", "kind": "A", "metadata": map[string]any{"name": claim},
			}})
		}
		return test
	}
	giving := func(name, apiVersion, object string) Test {
		return Test{Name: name, Spec: Spec{Given: []map[string]any{
			{"apiVersion": apiVersion, "kind": "A", "metadata": map[string]any{"name": object}},
		}}}
	}
	var got []string
	for _, batch := range batches([]Test{
		composing("a", "x"), {Name: "asking"}, composing("b", "y", "z"), composing("c", "z"),
		giving("e", "v1", "n"), giving("f", "a/v1", "z"), giving("role", "rbac.authorization.k8s.io/v1", "n"), composing("d", "w"),
	}) {
		var names []string
		for _, test := range batch {
			names = append(names, test.Name)
		}
		got = append(got, strings.Join(names, " "))
	}
	if want := []string{"a asking b", "c e", "f", "role", "d"}; !slices.Equal(got, want) {
		t.Errorf("the batches are %q: want %q", got, want)
	}
}

func TestTheCanaryLooksUpWhatPoliciesDo(t *testing.T) {
	definition := object("apiextensions.crossplane.io/v2", "CompositeResourceDefinition", map[string]any{
		"group": "example.com", "names": map[string]any{"kind": "Toy", "plural": "toys"},
		"versions": []any{
			map[string]any{"name": "v1", "served": true}, map[string]any{"name": "v0", "served": false},
		},
	})
	policy := func(expression string) *unstructured.Unstructured {
		return object("policies.kyverno.io/v1", "ValidatingPolicy", map[string]any{
			"validations": []any{map[string]any{"expression": expression}},
		})
	}
	for expression, want := range map[string][]string{
		"resource.List('example.com/v1', 'toys', 'a')": {"size(dyn(resource.List('example.com/v1', 'toys', 'requests').items)) >= 0"},
		"object.kind == 'Toy'":                         nil,
	} {
		if got := lookups([]*unstructured.Unstructured{definition, policy(expression)}); !slices.Equal(got, want) {
			t.Errorf("for %s it looks up %q: want %q", expression, got, want)
		}
	}
}
