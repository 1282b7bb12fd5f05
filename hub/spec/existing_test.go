package spec

import (
	"reflect"
	"testing"
)

func TestBogusExistingClustersAreRefused(t *testing.T) {
	const missing = "spec.existing.context: is missing: want the context of the cluster, as in " +
		"`kubectl config get-contexts`; --context gives it"
	for _, test := range []refused{
		{"no cluster", "provider: existing", []string{"hub.yaml:4: " + missing}},
		{"an empty cluster", "provider: existing\nexisting: {}", []string{"hub.yaml:6: " + missing}},
		{"no context", "provider: existing\nexisting: {tenants: true}", []string{"hub.yaml:6: " + missing}},
		{"an empty context", `provider: existing` + "\n" + `existing: {context: ""}`, []string{"hub.yaml:6: " + missing}},
		{"with another provider", "provider: kind\nexisting: {context: a}", []string{
			"hub.yaml:6: spec.existing: is for the provider existing, and spec.provider is kind: take one of them out"}},
		{"with the default provider", "existing: {}", []string{
			"hub.yaml:5: spec.existing: is for the provider existing, and spec.provider is embedded: take one of them out"}},
		{"a relative path among others", "provider: existing\nexisting: {context: a, kubeconfig: '/a:b/c:~/d:'}", []string{
			`hub.yaml:6: spec.existing.kubeconfig: "b/c" is a relative path, which means something else wherever it is read: ` +
				`want an absolute one, or take this out and have KUBECONFIG name it`,
			`hub.yaml:6: spec.existing.kubeconfig: "~/d" is a relative path, which means something else wherever it is read: ` +
				`want an absolute one, or take this out and have KUBECONFIG name it`,
		}},
		{"names misspelt", "provider: existing\nexisting: {contxt: a, kubeConfig: /a, tenant: true}", []string{
			"hub.yaml:6: spec.existing.contxt: unknown field: did you mean context?",
			"hub.yaml:6: spec.existing.kubeConfig: unknown field: did you mean kubeconfig?",
			"hub.yaml:6: spec.existing.tenant: unknown field: did you mean tenants?",
		}},
	} {
		test.test(t)
	}
}

func TestAFlagGivesTheContextOfAnExistingCluster(t *testing.T) {
	context := Flag("--context", "spec.existing.context", "production")
	h, err := Load(below("provider: existing"), "hub.yaml", context)
	if want := (&Existing{Context: "production"}); err != nil || !reflect.DeepEqual(h.Spec.Existing, want) {
		t.Fatalf("loaded %+v, %v, want %+v", h, err, want)
	}
	_, err = Load(below("provider: kind"), "hub.yaml", context)
	want := "--context: spec.existing: is for the provider existing, and spec.provider is kind: take one of them out"
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}
