package spec

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestApplySet(t *testing.T) {
	no := false
	cases := []struct {
		name      string
		arguments []string
		want      func(*Hub)
	}{
		{"nothing", nil, func(*Hub) {}},
		{"a path from the top", []string{"spec.policies.mode=Enforce"},
			func(h *Hub) { h.Spec.Policies.Mode = ModeEnforce }},
		{"a path without spec", []string{"policies.mode=Enforce"}, func(h *Hub) { h.Spec.Policies.Mode = ModeEnforce }},
		{"the name", []string{"metadata.name=other"}, func(h *Hub) { h.Metadata.Name = "other" }},
		{"the last of several", []string{"provider=kind", "provider=eks"},
			func(h *Hub) { h.Spec.Provider = ProviderEKS }},
		{"a version that is a number to YAML in part", []string{"components.kyverno.version=1.20.0"}, func(h *Hub) {
			h.Spec.Components = map[string]Component{Kyverno: {Version: "1.20.0"}}
		}},
		{"two fields of one component", []string{"components.kyverno.version=1.20.0",
			"components.kyverno.enabled=false"},
			func(h *Hub) { h.Spec.Components = map[string]Component{Kyverno: {Version: "1.20.0", Enabled: &no}} }},
		{"a Helm value", []string{`components.argocd.values.configs.cm["a.b=c"]=x=y`}, func(h *Hub) {
			values := map[string]any{"configs": map[string]any{"cm": map[string]any{"a.b=c": "x=y"}}}
			h.Spec.Components = map[string]Component{ArgoCD: {Values: values}}
		}},
		{"a list", []string{"policies.namespaces=[a, b]", "policies.namespaces[2]=c"}, func(h *Hub) {
			h.Spec.Policies.Namespaces = []string{"a", "b", "c"}
		}},
		{"both repositories", []string{"repositories.hub=https://h/a", "repositories.requests=https://h/b"},
			func(h *Hub) {
				h.Spec.Repositories = &Repositories{Hub: "https://h/a", Requests: "https://h/b"}
			}},
		{"a port", []string{"embedded.ports.argocd=8080"}, func(h *Hub) {
			h.Spec.Embedded = &Embedded{Ports: Ports{ArgoCD: 8080}}
		}},
		{"fields of the kind cluster",
			[]string{"provider=kind", "kind.image=kindest/node:v1.34.4", "spec.kind.ports.http=80"},
			func(h *Hub) {
				h.Spec.Provider = ProviderKind
				h.Spec.Kind = &KindCluster{Image: "kindest/node:v1.34.4", Ports: KindPorts{HTTP: 80}}
			}},
		{"the kind at the top", []string{"kind=Hub"}, func(*Hub) {}},
		{"a default brought back", []string{"provider=kind", "provider="}, func(*Hub) {}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, want := Default("demo"), Default("demo")
			c.want(want)
			if err := ApplySet(got, c.arguments); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("set\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestApplySetRefuses(t *testing.T) {
	const providers = "want one of embedded, kind, eks, gke, existing"
	cases := []struct{ name, argument, want string }{
		{"no =", "policies.mode", `"policies.mode" has no value: want PATH=VALUE, such as policies.mode=Enforce`},
		{"no path", "=Enforce", `a name is missing: want names with a dot between them, such as spec.provider`},
		{"nothing", "", `"" has no value: want PATH=VALUE, such as policies.mode=Enforce`},
		{"a path with two dots", "policies..mode=Audit",
			`a name is missing: want names with a dot between them, such as spec.provider`},
		{"a misspelt field", "spec.polices.mode=Audit", `spec.polices: unknown field: did you mean policies?`},
		{"a misspelt field without spec", "polices.mode=Audit", `spec.polices: unknown field: did you mean policies?`},
		{"a misspelt field at the top", "metdata.name=x", `metdata: unknown field: did you mean metadata?`},
		{"a misspelt field at the end", "policies.mod=Audit", `spec.policies.mod: unknown field: did you mean mode?`},
		{"a misspelt field of the kind cluster", "kind.imge=a", `spec.kind.imge: unknown field: did you mean image?`},
		{"another kind at the top", "kind=Cluster", `kind: "Cluster" is not what a Hub has here: want Hub`},
		{"a field near none", "backups=true",
			`spec.backups: unknown field: want one of provider, repositories, components, policies, beads, charts, registry, ` +
				`ingress, embedded, kind, existing`},
		{"a wrong type", "embedded.ports.argocd=http",
			`spec.embedded.ports.argocd: want an integer, found the string "http"`},
		{"a number for a name", "metadata.name=8", `metadata.name: want a string in quotes, found the number 8`},
		{"no YAML", "policies.namespaces=[a",
			`spec.policies.namespaces: the list that [ begins here is not closed, or ` +
				`lacks a comma: want items with commas between, and ]`},
		{"a bogus provider", "provider=ek",
			`spec.provider: "ek" is not a provider: ` + providers + ` (did you mean eks?)`},
		{"a bogus name", "metadata.name=Demo",
			`metadata.name: "Demo" is not a DNS label: want lower-case letters, digits ` +
				`and "-", with no "-" at either end`},
		{"an unknown component", "components.kyvreno.version=1.20.0",
			`spec.components.kyvreno: there is no such component: ` +
				`want one of argocd, crossplane, gitea, kyverno, traefik (did you mean kyverno?)`},
		{"a short version", "components.kyverno.version=1.19",
			`spec.components.kyverno.version: "1.19" is not a full version: want three numbers such as 1.19.1`},
		{"a bogus item", "policies.namespaces=[a, B]", `spec.policies.namespaces[1]: "B" is not a DNS label: want ` +
			`lower-case letters, digits and "-", with no "-" at either end`},
		{"a field beneath a value", "provider.name=kind",
			`spec.provider.name: spec.provider is a string, not a mapping`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := Default("demo")
			if err := ApplySet(h, []string{c.argument}); err == nil || err.Error() != "--set: "+c.want {
				t.Errorf("error\n%v, want\n--set: %s", err, c.want)
			}
			if !reflect.DeepEqual(h, Default("demo")) {
				t.Errorf("the hub became %+v", h)
			}
		})
	}
}

func TestApplySetNamesAllFaultsAtOnce(t *testing.T) {
	h := Default("demo")
	h.Metadata.Name = "Demo"
	err := ApplySet(h, []string{"provider=docker", "policies.mode", "polices.mode=Audit",
		"components.argocd.enabled=false",
		"embedded.ports.gitea=x", "policies.mode=Enforce"})
	want := `metadata.name: "Demo" is not a DNS label: want lower-case letters, digits and "-", with no "-" at either end
--set: "policies.mode" has no value: want PATH=VALUE, such as policies.mode=Enforce
--set: spec.polices: unknown field: did you mean policies?
--set: spec.embedded.ports.gitea: want an integer, found the string "x"
--set: spec.provider: "docker" is not a provider: want one of embedded, kind, eks, gke, existing
--set: spec.components.argocd.enabled: Argo CD delivers everything else and cannot be disabled: take this out`
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

const overridden = `apiVersion: backstack.dev/v1alpha1
kind: Hub
spec:
  provider: ek
  components:
    kyverno: {version: 1.19}
  policies: {namespaces: [Team_A]}
  embedded:
    ports: {argocd: 99999}
`

func TestLoadNamesFaultsOfTheFileAndOfFlagsTogether(t *testing.T) {
	_, err := Load([]byte(overridden), "hub.yaml", Flag("--name", "metadata.name", "8_"), Set("provider=kind"),
		Set("components.kyverno.versoin=1.19.1"), Set("policies.mode=[Audit]"))
	want := `hub.yaml:6: spec.components.kyverno.version: "1.19" is not a full version: want three numbers such as 1.19.1
hub.yaml:7: spec.policies.namespaces[0]: ` +
		`"Team_A" is not a DNS label: want lower-case letters, digits and "-", with no "-" at either end
hub.yaml:8: spec.embedded: is for the provider embedded, and spec.provider is kind: take one of them out
hub.yaml:9: spec.embedded.ports.argocd: 99999 is not a port: want 1 to 65535, or 0 for one that is free
--set: spec.components.kyverno.versoin: unknown field: did you mean version?
--set: spec.policies.mode: want a string, found a list
--name: metadata.name: "8_" is not a DNS label: want lower-case letters, digits and "-", with no "-" at either end`
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

func TestFaultsNameTheLastThatGaveTheValue(t *testing.T) {
	const head = "apiVersion: backstack.dev/v1alpha1\nkind: Hub\n"
	bogus := `"A" is not a DNS label: want lower-case letters, digits and "-", with no "-" at either end`
	elsewhere := "is for the provider embedded, and spec.provider is kind: take one of them out"
	for name, c := range map[string]struct {
		text      string
		overrides []Override
		want      string
	}{
		"two flags": {"metadata: {name: B}", []Override{Flag("--name", "metadata.name", "B"), Set("metadata.name=A")},
			"--set: metadata.name: " + bogus},
		"two flags the other way": {"metadata: {name: B}",
			[]Override{Set("metadata.name=B"), Flag("--name", "metadata.name", "A")}, "--name: metadata.name: " + bogus},
		"a flag within what the file gives": {"metadata: {name: a}\nspec: {provider: kind, embedded: {}}",
			[]Override{Set("embedded.ports.argocd=1")}, "hub.yaml:4: spec.embedded: " + elsewhere},
		"a flag within what the file does not give": {"metadata: {name: a}\nspec: {provider: kind}",
			[]Override{Set("embedded.ports.argocd=1")}, "--set: spec.embedded: " + elsewhere},
		"a flag that was refused, and the file": {"metadata: {name: A}", []Override{Set("metadata.name=[b]")},
			"hub.yaml:3: metadata.name: " + bogus + "\n--set: metadata.name: want a string, found a list"},
		"a flag that was refused alone": {"spec: {}", []Override{Set("metadata.name=[b]")},
			"--set: metadata.name: want a string, found a list"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load([]byte(head+c.text), "hub.yaml", c.overrides...); err == nil || err.Error() != c.want {
				t.Errorf("error\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestLoadJudgesValuesAfterOverrides(t *testing.T) {
	h, err := Load([]byte(overridden), "hub.yaml", Flag("--name", "metadata.name", "8"), Set("provider="),
		Set("components.kyverno.version=1.19.1"), Set("policies.namespaces=[]"), Set("embedded=null"))
	if err != nil {
		t.Fatal(err)
	}
	if h.Metadata.Name != "8" || h.Spec.Components[Kyverno].Version != "1.19.1" || h.Spec.Embedded != nil {
		t.Errorf("loaded %+v", h)
	}
}

func TestLoadNamesFaultsOfFlagsEvenIfTheFileCannotBeRead(t *testing.T) {
	_, err := Load([]byte("spec: [\n"), "hub.yaml", Set("polices.mode=Audit"))
	got := strings.Split(err.Error(), "\n")
	if len(got) != 2 || !strings.HasPrefix(got[0], "hub.yaml:1: ") || !strings.HasPrefix(got[1],
		"--set: spec.polices: ") {
		t.Errorf("faults %q, want that of the file and that of --set", got)
	}
}

func TestMessagesNeverShowAPassword(t *testing.T) {
	for _, value := range []string{"https://robot:swordfish@h/x", "https://swordfish@h/x", "http://h/x?token=swordfish",
		"ssh://robot:swordfish@h/x", "https://robot:sword fish@h/x", "https://robot:%zzswordfish@h/x", "swordfish"} {
		err := ApplySet(Default("demo"), []string{"repositories.hub=" + value, "repositories.requests=" + value})
		if err == nil || slices.ContainsFunc([]string{"swordfish", "sword fish"}, func(password string) bool {
			return strings.Contains(err.Error(), password)
		}) {
			t.Errorf("error %v", err)
		}
	}
}

func FuzzApplySet(f *testing.F) {
	f.Add("spec.policies.mode=Enforce")
	f.Add(`components.argocd.values["a.b"][0]={x: [1]}`)
	f.Add("policies.namespaces[0]=a")
	f.Fuzz(func(t *testing.T, argument string) {
		h := Default("demo")
		if err := ApplySet(h, []string{argument}); err != nil {
			return
		}
		data, err := Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if !checkRoundTrip(t, data) {
			t.Fatalf("does not load\n%s", data)
		}
	})
}
