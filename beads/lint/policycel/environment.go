// Package policycel compiles the CEL expressions of Kyverno's policies (policies.kyverno.io) as the version of Kyverno
// that a hub runs compiles them: with the same functions and variables. It evaluates nothing.
package policycel

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"github.com/kyverno/sdk/extensions/cel/compiler"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/library"
	"k8s.io/apiserver/pkg/cel/mutation"
)

// Problem is what is wrong with an expression.
type Problem struct {
	Line, Column int // within the expression, counted from 1; 0 if it is wrong as a whole
	Message      string
}

// Environment compiles the expressions of one policy.
type Environment struct {
	env       *cel.Env
	variables *compiler.VariablesProvider
}

// exception is what a policy sees of the exceptions that apply.
type exception struct {
	AllowedImages []string `cel:"allowedImages"`
	AllowedValues []string `cel:"allowedValues"`
}

// New returns the Environment of a policy of a kind, such as ValidatingPolicy.
func New(kind string) (*Environment, error) {
	kind = strings.TrimPrefix(kind, "Namespaced")
	options := append(base(kind), variables(kind)...)
	plain, err := cel.NewEnv()
	if err != nil {
		return nil, fmt.Errorf("making the CEL environment: %w", err)
	}
	provider := compiler.NewVariablesProvider(plain.CELTypeProvider())
	declared, err := apiservercel.NewDeclTypeProvider(compiler.NamespaceType, compiler.RequestType).EnvOptions(provider)
	if err != nil {
		return nil, fmt.Errorf("declaring Kyverno's types: %w", err)
	}
	options = append(options, declared...)
	if kind == "MutatingPolicy" || kind == "DeletingPolicy" {
		options = append(options, common.ResolverEnvOption(&mutation.DynamicTypeResolver{}))
	}
	// What Go types stand for must come after the declared types, which know how to find them.
	options = append(options,
		ext.NativeTypes(reflect.TypeFor[exception](), ext.ParseStructTags(true)),
		cel.Variable(compiler.ExceptionsKey, types.NewObjectType("policycel.exception")),
	)
	env, err := cel.NewEnv(append(options, libraries(kind)...)...)
	if err != nil {
		return nil, fmt.Errorf("making Kyverno's CEL environment: %w", err)
	}
	return &Environment{env: env, variables: provider}, nil
}

// base are the options that Kyverno gives all its environments (pkg/cel/compiler/env.go).
func base(kind string) []cel.EnvOption {
	options := []cel.EnvOption{
		cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true),
		cel.OptionalTypes(), ext.Bindings(), ext.Encoders(), ext.Lists(ext.ListsVersion(3)), ext.Math(), ext.Protos(),
		ext.Sets(),
		ext.Strings(ext.StringsVersion(2)), ext.Regex(ext.RegexVersion(1)),
		library.CIDR(), library.Format(), library.IP(), library.Lists(), library.Regex(), library.URLs(), library.Quantity(),
		library.SemverLib(library.SemverVersion(1)),
	}
	if kind != "GeneratingPolicy" { // what is generated mixes types
		options = append(options, cel.HomogeneousAggregateLiterals())
	}
	return append(options, orValue()...)
}

// variables are what expressions of the kind can name.
func variables(kind string) []cel.EnvOption {
	options := []cel.EnvOption{
		cel.Types(compiler.NamespaceType.CelType(), compiler.RequestType.CelType()),
		cel.Variable(compiler.NamespaceObjectKey, compiler.NamespaceType.CelType()),
		cel.Variable(compiler.ObjectKey, cel.DynType),
		cel.Variable(compiler.OldObjectKey, cel.DynType),
		cel.Variable(compiler.RequestKey, compiler.RequestType.CelType()),
		cel.Variable(compiler.VariablesKey, compiler.VariablesType),
	}
	if kind == "ImageValidatingPolicy" {
		options = append(options,
			cel.Variable(compiler.ImagesKey, cel.MapType(cel.StringType, cel.ListType(cel.StringType))),
			cel.Variable(compiler.AttestorsKey, cel.MapType(cel.StringType, cel.DynType)),
			cel.Variable(compiler.AttestationsKey, cel.MapType(cel.StringType, cel.StringType)),
			cel.Variable(compiler.ImageRefKey, cel.StringType),
		)
	}
	return options
}

// Variable compiles what a policy's variable amounts to. Expressions that come later can use it.
func (e *Environment) Variable(name, expression string) []Problem {
	ast, issues := e.env.Compile(expression)
	if issues.Err() != nil {
		e.variables.RegisterField(name, types.DynType) // so that it is not missed a second time
		return problems(issues)
	}
	e.variables.RegisterField(name, ast.OutputType())
	return nil
}

// Compile compiles an expression that must amount to one of the types; none is for any.
func (e *Environment) Compile(expression string, want ...*cel.Type) []Problem {
	ast, issues := e.env.Compile(expression)
	if issues.Err() != nil {
		return problems(issues)
	}
	names := make([]string, 0, len(want))
	for _, t := range want {
		if ast.OutputType().IsExactType(t) {
			return nil
		}
		names = append(names, t.String())
	}
	if len(want) == 0 {
		return nil
	}
	return []Problem{{Message: fmt.Sprintf("amounts to a value of type %s: want %s", ast.OutputType(),
		strings.Join(names, " or "))}}
}

func problems(issues *cel.Issues) []Problem {
	var found []Problem
	for _, issue := range issues.Errors() {
		message := strings.Join(strings.Fields(issue.Message), " ")
		found = append(found, Problem{
			Line: issue.Location.Line(), Column: issue.Location.Column() + 1, // which it counts from 0
			Message: strings.TrimSuffix(message, " (in container '')"),
		})
	}
	return found
}
