package policycel

import (
	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/kyverno/sdk/extensions/cel/libs/generator"
	"github.com/kyverno/sdk/extensions/cel/libs/globalcontext"
	"github.com/kyverno/sdk/extensions/cel/libs/gzip"
	"github.com/kyverno/sdk/extensions/cel/libs/hash"
	"github.com/kyverno/sdk/extensions/cel/libs/http"
	"github.com/kyverno/sdk/extensions/cel/libs/image"
	"github.com/kyverno/sdk/extensions/cel/libs/imagedata"
	"github.com/kyverno/sdk/extensions/cel/libs/json"
	"github.com/kyverno/sdk/extensions/cel/libs/math"
	"github.com/kyverno/sdk/extensions/cel/libs/random"
	"github.com/kyverno/sdk/extensions/cel/libs/resource"
	"github.com/kyverno/sdk/extensions/cel/libs/time"
	"github.com/kyverno/sdk/extensions/cel/libs/transform"
	"github.com/kyverno/sdk/extensions/cel/libs/user"
	"github.com/kyverno/sdk/extensions/cel/libs/x509"
	"github.com/kyverno/sdk/extensions/cel/libs/yaml"
	"k8s.io/apiserver/pkg/cel/library"
)

// libraries are Kyverno's functions for policies of the kind. Their contexts are empty, for nothing is evaluated. What
// declares functions by itself comes first: Kyverno's libraries extend the environment, and nothing can be added to
// what was extended.
func libraries(kind string) []cel.EnvOption {
	var options []cel.EnvOption
	switch kind {
	case "MutatingPolicy":
		options = append(options, library.JSONPatch())
	case "ImageValidatingPolicy":
		options = imageVerification()
	}
	options = append(options,
		globalcontext.Lib(globalcontext.Context{}, globalcontext.Latest()),
		resource.Lib(resource.Context{}, "", resource.Latest()),
		image.Lib(image.Latest()),
		imagedata.Lib(imagedata.Context{}, imagedata.Latest(), nil),
		hash.Lib(hash.Latest()),
		math.Lib(math.Latest()),
		json.Lib(&json.JsonImpl{}, json.Latest()),
		yaml.Lib(&yaml.YamlImpl{}, yaml.Latest()),
		random.Lib(random.Latest()),
		time.Lib(time.Latest()),
		transform.Lib(transform.Latest()),
		gzip.Lib(gzip.Latest()),
		http.Lib(http.Context{}, http.Latest()),
	)
	switch kind {
	case "ValidatingPolicy", "MutatingPolicy":
		return append(options, user.Lib(user.Latest()), x509.Lib(x509.Latest()))
	case "GeneratingPolicy":
		return append(options, x509.Lib(x509.Latest()), generator.Lib(generator.Context{}, "", generator.Latest()))
	case "DeletingPolicy":
		return append(options, x509.Lib(x509.Latest()))
	}
	return append(options, user.Lib(user.Latest()))
}

// imageVerification declares the functions that check images (pkg/cel/libs/imageverify), which are in no library.
func imageVerification() []cel.EnvOption {
	list := cel.ListType(cel.DynType)
	return []cel.EnvOption{
		cel.Function("verifyImageSignatures", cel.Overload("verify_image_signature_string_stringarray",
			[]*cel.Type{cel.StringType, list}, cel.IntType)),
		cel.Function("verifyAttestationSignatures", cel.Overload("verify_image_attestations_string_string_stringarray",
			[]*cel.Type{cel.StringType, cel.StringType, list}, cel.IntType)),
		cel.Function("getImageData", cel.Overload("get_image_data_string", []*cel.Type{cel.StringType}, cel.DynType)),
		cel.Function("extractPayload", cel.Overload("payload_string_string",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.DynType)),
	}
}

// orValue is how Kyverno keeps x.orValue(y) working where x is no optional value.
func orValue() []cel.EnvOption {
	const name = "__orValueCompat__"
	macro := func(factory cel.MacroExprFactory, target celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
		return factory.NewCall(name, target, args[0]), nil
	}
	return []cel.EnvOption{
		cel.Macros(cel.ReceiverMacro("orValue", 1, macro)),
		cel.Function(name, cel.Overload(name+"_dyn_dyn", []*cel.Type{cel.DynType, cel.DynType}, cel.DynType)),
	}
}
