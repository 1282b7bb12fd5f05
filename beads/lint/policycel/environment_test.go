package policycel

import (
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
)

func TestExpressionsThatKyvernoKnowsCompile(t *testing.T) {
	for _, c := range []struct{ kind, expression string }{
		{"ValidatingPolicy", `object.spec.?replicas.orValue(1) < 3 && request.userInfo.username != ''`},
		{"ValidatingPolicy", `resource.List('v1', 'pods', 'default').items.size() > 0`},
		{"ValidatingPolicy",
			`image(object.spec.image).registry() == 'ghcr.io' && quantity('1Gi').isLessThan(quantity('2Gi'))`},
		{"ValidatingPolicy",
			`parseServiceAccount(request.userInfo.username).Name == 'x' && namespaceObject.metadata.name == 'a'`},
		{"NamespacedValidatingPolicy", `has(object.metadata.labels) && object.metadata.labels.all(k, k != 'a')`},
		{"GeneratingPolicy", `generator.Apply('a', [{'kind': dyn('ConfigMap'), 'data': dyn({'a': 1})}])`},
		{"ImageValidatingPolicy", `images.containers.all(i, verifyImageSignatures(i, [attestors.a]) > 0)`},
		{"DeletingPolicy", `object.metadata.name.startsWith('a')`},
	} {
		env, err := New(c.kind)
		if err != nil {
			t.Fatalf("%s: %v", c.kind, err)
		}
		if found := env.Compile(c.expression, cel.BoolType); len(found) > 0 {
			t.Errorf("%s: %s: %+v", c.kind, c.expression, found)
		}
	}
}

func TestMutationsAreObjectsAndPatches(t *testing.T) {
	env, err := New("MutatingPolicy")
	if err != nil {
		t.Fatal(err)
	}
	apply := `Object{metadata: Object.metadata{labels: Object.metadata.labels{app: "a"}}}`
	if found := env.Compile(apply, cel.ObjectType("Object")); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	patch := `[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("a/b"), value: "c"}]`
	if found := env.Compile(patch, cel.ListType(cel.ObjectType("JSONPatch"))); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestExpressionsThatKyvernoRefusesDoNotCompile(t *testing.T) {
	env, err := New("ValidatingPolicy")
	if err != nil {
		t.Fatal(err)
	}
	if found := env.Variable("size", `object.metadata.labels['size']`); len(found) > 0 {
		t.Fatalf("%+v", found)
	}
	for expression, want := range map[string]string{
		`object.spec.(`:             "Syntax error",
		`request.namespce == ''`:    "undefined field 'namespce'",
		`variables.sise == ''`:      "undefined field 'sise'",
		`objct.spec.x == 1`:         "undeclared reference to 'objct'",
		`object.metadata.name + 1`:  "amounts to a value of type int: want bool",
		`size("a")`:                 "amounts to a value of type int: want bool",
		`images.containers.size()`:  "undeclared reference to 'images'",
		"true &&\n  nothing.at.all": "undeclared reference to 'nothing'",
	} {
		found := env.Compile(expression, cel.BoolType)
		if len(found) == 0 || !strings.Contains(found[0].Message, want) {
			t.Errorf("%s: %+v: want %s", expression, found, want)
		}
	}
	if found := env.Compile("true &&\n  nothing.at.all", cel.BoolType); found[0].Line != 2 || found[0].Column != 3 {
		t.Errorf("the problem is at %d:%d: want 2:3", found[0].Line, found[0].Column)
	}
	if found := env.Compile(`variables.size == 'small'`, cel.BoolType); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}
