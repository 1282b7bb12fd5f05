package spec

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestWhatIsForPodsIsRefusedWhereComponentsAreProcesses(t *testing.T) {
	const reason = ": is for components that run as pods, and with provider embedded they run as processes: take this out"
	const text = `charts: /charts
registry: {prefix: registry.example.com}
ingress: {class: nginx, domain: hub.example.com}
components:
  argocd: {chart: {version: 10.1.1}}
  gitea: {chart: {}}`
	want := func(line int) []string {
		var faults []string
		for i, path := range []string{"spec.charts", "spec.registry", "spec.ingress", "",
			"spec.components.argocd.chart", "spec.components.gitea.chart"} {
			if path != "" {
				faults = append(faults, "hub.yaml:"+strconv.Itoa(line+i)+": "+path+reason)
			}
		}
		return faults
	}
	refused{"the default provider", text, want(5)}.test(t)
	refused{"the provider by its name", "provider: embedded\n" + text, want(6)}.test(t)
	refused{"a provider that there is not, for which nothing can be said", "provider: ek\n" + text, []string{
		`hub.yaml:5: spec.provider: "ek" is not a provider: want one of embedded, kind, eks, gke, existing ` +
			`(did you mean eks?)`,
	}}.test(t)
}

func TestBogusSourcesOfChartsAreRefused(t *testing.T) {
	const (
		relative = " is a relative path, which means something else wherever it is read: want an absolute one, " +
			"or give it with --charts"
		noURL = "is neither a folder nor a URL of charts: want a path, https://HOST/PATH or oci://HOST/PATH"
		user  = "has a user or password in it, which would end up in Git: take that out, and log in with " +
			"`helm registry login`"
	)
	for source, want := range map[string]string{
		"charts":                     `"charts"` + relative,
		"./charts":                   `"./charts"` + relative,
		"~/charts":                   `"~/charts"` + relative,
		"ftp://example.com/charts":   noURL,
		"http://example.com/charts":  noURL,
		"file:///charts":             noURL,
		"oci://":                     noURL,
		"https:///charts":            noURL,
		"https://a b.example.com":    noURL,
		"oci://swordfish:%zz@h/x":    noURL,
		"oci://robot:swordfish@h/x":  user,
		"https://swordfish@h/charts": user,
	} {
		refused{source, "provider: kind\ncharts: " + source, []string{"hub.yaml:6: spec.charts: " + want}}.test(t)
	}
	for _, source := range []string{
		"/charts", "https://example.com/charts", "oci://example.com", "oci://localhost:5000/charts",
	} {
		if h := load(t, "provider: kind\ncharts: "+source); h.Spec.Charts != source {
			t.Errorf("loaded %q, want %q", h.Spec.Charts, source)
		}
	}
}

func TestBogusChartsOfComponentsAreRefused(t *testing.T) {
	const (
		version = "is not a full version: want three numbers such as 1.2.3"
		digest  = "is not a digest: want sha256: and 64 hexadecimal digits, as `sha256sum` prints them"
	)
	at := func(name, chart string) string {
		return "provider: kind\ncomponents: {" + name + ": {chart: {" + chart + "}}}"
	}
	hex := strings.Repeat("0123456789abcdef", 4)
	for _, test := range []refused{
		{"a short version", at("argocd", `version: "10.1"`),
			[]string{`hub.yaml:6: spec.components.argocd.chart.version: "10.1" ` + version}},
		{"a range of versions", at("kyverno", "version: ^3.9.0"),
			[]string{`hub.yaml:6: spec.components.kyverno.chart.version: "^3.9.0" ` + version +
				" (invalid characters in version)"}},
		{"a short digest", at("argocd", "digest: sha256:00"),
			[]string{"hub.yaml:6: spec.components.argocd.chart.digest: " + digest}},
		{"a digest without its kind", at("argocd", "digest: "+hex),
			[]string{"hub.yaml:6: spec.components.argocd.chart.digest: " + digest}},
		{"a digest in capitals", at("argocd", "digest: sha256:"+strings.ToUpper(hex)),
			[]string{"hub.yaml:6: spec.components.argocd.chart.digest: " + digest}},
		{"text after a digest", at("argocd", "digest: sha256:"+hex+"0"),
			[]string{"hub.yaml:6: spec.components.argocd.chart.digest: " + digest}},
		{"a chart of ours", at("gitea", "version: 1.2.3"), []string{"hub.yaml:6: spec.components.gitea.chart: " +
			"gitea comes with a chart of backstack's own, and none of upstream's: take this out"}},
		{"another chart of ours", at("traefik", "version: 1.2.3"), []string{"hub.yaml:6: spec.components.traefik.chart: " +
			"traefik comes with a chart of backstack's own, and none of upstream's: take this out"}},
		{"names misspelt", at("argocd", "versoin: 10.1.1, digets: a"), []string{
			"hub.yaml:6: spec.components.argocd.chart.versoin: unknown field: did you mean version?",
			"hub.yaml:6: spec.components.argocd.chart.digets: unknown field: did you mean digest?",
		}},
	} {
		test.test(t)
	}
	h := load(t, at("argocd", "version: v10.1.1, digest: sha256:"+hex))
	want := &Chart{Version: "10.1.1", Digest: "sha256:" + hex}
	if got := h.Spec.Components[ArgoCD].Chart; !reflect.DeepEqual(got, want) {
		t.Errorf("resolved %+v, want %+v", got, want)
	}
}

func TestBogusRegistriesAreRefused(t *testing.T) {
	const at = "hub.yaml:6: spec.registry."
	const noPrefix = ` is no prefix of images: want a host and a path such as registry.example.com/mirror, without ` +
		`https:// and without a / at its end`
	const user = "has a user or password in it, which would end up in Git: take that out, and name a Docker config.json " +
		"with the login in spec.registry.dockerConfig"
	with := func(fields string) string { return "provider: kind\nregistry: {" + fields + "}" }
	for _, test := range []refused{
		{"no prefix", with(""), []string{at + "prefix: is missing: want the host and path that stand before the name of " +
			"every image, such as registry.example.com/mirror"}},
		{"a scheme", with("prefix: https://h/mirror"), []string{at + `prefix: "https://h/mirror"` + noPrefix}},
		{"a / at the end", with("prefix: h/mirror/"), []string{at + `prefix: "h/mirror/"` + noPrefix}},
		{"no host", with("prefix: /mirror"), []string{at + `prefix: "/mirror"` + noPrefix}},
		{"a query", with(`prefix: "h/x?y"`), []string{at + `prefix: "h/x?y"` + noPrefix}},
		{"a space", with(`prefix: "h x/y"`), []string{at + `prefix: "h x/y"` + noPrefix}},
		{"a password", with("prefix: robot:swordfish@h/x"), []string{at + "prefix: " + user}},
		{"a password in what is no URL", with(`prefix: "robot:%zzswordfish@h/x"`), []string{at + "prefix: " + user}},
		{"a password after a scheme", with("prefix: https://robot:swordfish@h/x"), []string{at + "prefix: " + user}},
		{"an authority that is no PEM", with("prefix: h, ca: swordfish"),
			[]string{at + `ca: is no certificate: want PEM blocks "CERTIFICATE" and nothing else`}},
		{"a relative path", with("prefix: h, dockerConfig: .docker/config.json"),
			[]string{at + `dockerConfig: ".docker/config.json" is not an absolute path: want one such as ` +
				`/home/me/.docker/config.json`}},
		{"names misspelt", with("prefx: h, dockerconfig: /a, cas: a"), []string{
			at + "prefx: unknown field: did you mean prefix?", at + "dockerconfig: unknown field: did you mean dockerConfig?",
			at + "cas: unknown field: did you mean ca?",
		}},
	} {
		test.test(t)
	}
	for _, prefix := range []string{"registry.example.com", "localhost:5000/a/b", "127.0.0.1:5000"} {
		if h := load(t, with("prefix: "+prefix+", dockerConfig: /a")); h.Spec.Registry.Prefix != prefix {
			t.Errorf("loaded %q, want %q", h.Spec.Registry.Prefix, prefix)
		}
	}
}

func TestBogusIngressesAreRefused(t *testing.T) {
	missing := func(field, hub string) string {
		return "spec.ingress." + field + ": is missing: " + hub + " has no ingress controller of its own, so it wants the " +
			"class of the cluster's and a domain that leads to it; without spec.ingress pages are reached by port-forwarding"
	}
	const existing = "provider: existing\nexisting: {context: a}\n"
	for _, test := range []refused{
		{"nothing, on a cluster of someone else", existing + "ingress: {}", []string{
			"hub.yaml:7: " + missing("class", "a hub on provider existing"),
			"hub.yaml:7: " + missing("domain", "a hub on provider existing"),
		}},
		{"no class, on a cluster of someone else", existing + "ingress: {domain: hub.example.com}",
			[]string{"hub.yaml:7: " + missing("class", "a hub on provider existing")}},
		{"no domain, on a cluster of a cloud", "provider: eks\ningress: {class: nginx}",
			[]string{"hub.yaml:6: " + missing("domain", "a hub on provider eks")}},
		{"no domain, on kind without Traefik",
			"provider: kind\ncomponents: {traefik: {enabled: false}}\ningress: {class: nginx}",
			[]string{"hub.yaml:7: " + missing("domain", "a hub without Traefik")}},
		{"nothing, on what is no provider", "provider: ek\ningress: {}", []string{`hub.yaml:5: spec.provider: "ek" is not ` +
			`a provider: want one of embedded, kind, eks, gke, existing (did you mean eks?)`}},
		{"no names", "provider: kind\ningress: {class: My Class, domain: https://hub.example.com}", []string{
			`hub.yaml:6: spec.ingress.class: "My Class" is no name of an ingress class: ` +
				"`kubectl get ingressclasses` lists them",
			`hub.yaml:6: spec.ingress.domain: "https://hub.example.com" is not a domain: want a name such as hub.example.com`,
		}},
		{"a domain with a wildcard", "provider: kind\ningress: {domain: \"*.example.com\"}", []string{
			`hub.yaml:6: spec.ingress.domain: "*.example.com" is not a domain: want a name such as hub.example.com`}},
		{"names misspelt", "provider: kind\ningress: {clas: a, domian: b}", []string{
			"hub.yaml:6: spec.ingress.clas: unknown field: did you mean class?",
			"hub.yaml:6: spec.ingress.domian: unknown field: did you mean domain?",
		}},
	} {
		test.test(t)
	}
}

func TestTraefikIsForHubsOnKind(t *testing.T) {
	const want = "spec.components.traefik.enabled: Traefik is the ingress controller of a hub on kind: take this out; " +
		"spec.ingress names another cluster's"
	const enabled = "\ncomponents: {traefik: {enabled: true}}"
	for _, test := range []refused{
		{"embedded", "provider: embedded" + enabled, []string{"hub.yaml:6: " + want}},
		{"the default provider", "policies: {}" + enabled, []string{"hub.yaml:6: " + want}},
		{"a cloud", "provider: gke" + enabled, []string{"hub.yaml:6: " + want}},
		{"a cluster of someone else", "provider: existing\nexisting: {context: a}" + enabled,
			[]string{"hub.yaml:7: " + want}},
		{"a provider that there is not", "provider: knd" + enabled, []string{`hub.yaml:5: spec.provider: "knd" is not a ` +
			`provider: want one of embedded, kind, eks, gke, existing (did you mean kind?)`}},
		{"misspelt", "provider: kind\ncomponents: {traefick: {}}", []string{`hub.yaml:6: spec.components.traefick: there ` +
			`is no such component: want one of argocd, crossplane, gitea, kyverno, traefik (did you mean traefik?)`}},
	} {
		test.test(t)
	}
	if !*load(t, "provider: kind").Spec.Components[Traefik].Enabled {
		t.Error("a hub on kind has no Traefik")
	}
	if *load(t, "provider: kind"+"\ncomponents: {traefik: {enabled: false}}").Spec.Components[Traefik].Enabled {
		t.Error("a hub on kind has Traefik though it says no")
	}
}

func TestPagesOfAHubOnKindAreOnThisMachine(t *testing.T) {
	for _, test := range []struct {
		name, spec string
		want       *Ingress
	}{
		{"nothing said", "provider: kind", &Ingress{Class: "traefik", Domain: "demo.localhost"}},
		{"a domain", "provider: kind\ningress: {domain: hub.example.com}",
			&Ingress{Class: "traefik", Domain: "hub.example.com"}},
		{"a class", "provider: kind\ningress: {class: public}", &Ingress{Class: "public", Domain: "demo.localhost"}},
		{"no controller", "provider: kind\ncomponents: {traefik: {enabled: false}}", nil},
		{"another controller",
			"provider: kind\ncomponents: {traefik: {enabled: false}}\ningress: {class: nginx, domain: hub.example.com}",
			&Ingress{Class: "nginx", Domain: "hub.example.com"}},
		{"a cluster of someone else", "provider: existing\nexisting: {context: a}", nil},
		{"processes", "provider: embedded", nil},
	} {
		if got := load(t, test.spec).Spec.Ingress; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: resolved %+v, want %+v", test.name, got, test.want)
		}
	}
}

// A flag has no line, so faults in what it gives keep the order in which they are found.
func TestFaultsOfOneFlagAlwaysComeInOneOrder(t *testing.T) {
	for range 20 {
		err := ApplySet(Default("demo"), []string{"provider=eks", "ingress={}",
			"kind.portMappings=[{hostPort: 0, containerPort: 0}]"})
		if err == nil {
			t.Fatal("it was taken")
		}
		var paths []string
		for line := range strings.Lines(err.Error()) {
			paths = append(paths, strings.Split(line, ": ")[1])
		}
		want := []string{"spec.ingress.class", "spec.ingress.domain", "spec.kind",
			"spec.kind.portMappings[0].hostPort", "spec.kind.portMappings[0].containerPort"}
		if !reflect.DeepEqual(paths, want) {
			t.Fatalf("faults of %q, want %q", paths, want)
		}
	}
}
