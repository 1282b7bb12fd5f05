package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
)

// policy is a ValidatingPolicy, as far as these tests evaluate one.
type policy struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		ValidationActions []string `json:"validationActions"`
		FailurePolicy     string   `json:"failurePolicy"`
		MatchConstraints  struct {
			ResourceRules []struct {
				Operations []string `json:"operations"`
				Resources  []string `json:"resources"`
			} `json:"resourceRules"`
		} `json:"matchConstraints"`
		MatchConditions []expression `json:"matchConditions"`
		Variables       []expression `json:"variables"`
		Validations     []rule       `json:"validations"`
	} `json:"spec"`
}

type expression struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

type rule struct {
	Expression        string `json:"expression"`
	Message           string `json:"message"`
	MessageExpression string `json:"messageExpression"`
}

// policies returns the policies of a tree, by name.
func policies(t *testing.T, tree Tree) map[string]*policy {
	t.Helper()
	found := make(map[string]*policy)
	for path, content := range tree.Sub("policies").All() {
		if !strings.HasSuffix(path, ".yaml") {
			continue
		}
		p := new(policy)
		if err := yaml.Unmarshal(content, p); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		found[p.Metadata.Name] = p
	}
	return found
}

// judge evaluates a policy as Kyverno does. It returns whether the policy is about the object at all, and the message
// with which it is against it, which is empty if it is not.
func (p *policy) judge(t *testing.T, cel *evaluator, object map[string]any) (matched bool, message string) {
	t.Helper()
	variables := make(map[string]any)
	input := map[string]any{"object": object, "variables": variables}
	for _, condition := range p.Spec.MatchConditions {
		if cel.evaluate(t, condition.Expression, input) != types.True {
			return false, ""
		}
	}
	for _, variable := range p.Spec.Variables {
		variables[variable.Name] = cel.evaluate(t, variable.Expression, input)
	}
	for _, v := range p.Spec.Validations {
		if cel.evaluate(t, v.Expression, input) == types.True {
			continue
		}
		if v.MessageExpression == "" {
			return true, v.Message
		}
		return true, fmt.Sprint(cel.evaluate(t, v.MessageExpression, input).Value())
	}
	return true, ""
}

// evaluator evaluates expressions; it compiles each once.
type evaluator struct {
	env      *cel.Env
	programs map[string]cel.Program
}

// newEvaluator returns an evaluator with Kubernetes' environment for stored expressions, which is also the base of
// Kyverno's, and the variables that the policies use.
func newEvaluator(t *testing.T) *evaluator {
	t.Helper()
	kubernetes := version.MustParseGeneric(charts.Kubernetes)
	set, err := environment.MustBaseEnvSet(kubernetes).Extend(environment.VersionedOptions{
		IntroducedVersion: kubernetes,
		EnvOptions: []cel.EnvOption{
			cel.Variable("object", cel.DynType),
			cel.Variable("variables", cel.MapType(cel.StringType, cel.DynType)),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	env, err := set.Env(environment.StoredExpressions)
	if err != nil {
		t.Fatal(err)
	}
	return &evaluator{env: env, programs: make(map[string]cel.Program)}
}

// compile returns the program of an expression, and the type of what it amounts to.
func (e *evaluator) compile(t *testing.T, text string) (cel.Program, *cel.Type) {
	t.Helper()
	ast, issues := e.env.Compile(text)
	if issues.Err() != nil {
		t.Fatalf("%s\n%v", text, issues.Err())
	}
	program, err := e.env.Program(ast)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return program, ast.OutputType()
}

// evaluate returns what an expression amounts to for the input.
func (e *evaluator) evaluate(t *testing.T, text string, input map[string]any) ref.Val {
	t.Helper()
	program, ok := e.programs[text]
	if !ok {
		program, _ = e.compile(t, text)
		e.programs[text] = program
	}
	out, _, err := program.Eval(input)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return out
}
