package charts

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// Objects are JSON with single quotes.
func TestHealth(t *testing.T) {
	for _, test := range []struct {
		name, script, object string
		status, message      string
	}{
		{"an Application that nobody has looked at", "application",
			`{'metadata': {'name': 'kyverno', 'namespace': 'argocd'}}`, "Progressing", "Waiting for Argo CD to look at it"},
		{"a healthy Application", "application", `{'metadata': {'name': 'kyverno', 'namespace': 'argocd'},
			'status': {'health': {'status': 'Healthy'}, 'operationState': {'phase': 'Succeeded'}}}`, "Healthy", ""},
		{"a degraded Application", "application", `{'metadata': {'name': 'kyverno', 'namespace': 'argocd'},
			'status': {'health': {'status': 'Degraded', 'message': 'bad'}}}`, "Degraded", "bad"},
		{"an Application that syncs", "application", `{'metadata': {'name': 'kyverno', 'namespace': 'argocd'},
			'status': {'health': {'status': 'Healthy'}, 'operationState': {'phase': 'Running', 'message': 'wave 1'}}}`,
			"Progressing", "wave 1"},
		{"an Application of the root", "application", `{'metadata': {'name': 'kyverno', 'namespace': 'argocd',
			'annotations': {'argocd.argoproj.io/tracking-id': 'hub:argoproj.io/Application:argocd/kyverno'}},
			'status': {'health': {'status': 'Missing'}}}`, "Missing", ""},
		{"the root, which syncs", "application", `{'metadata': {'name': 'hub', 'namespace': 'argocd', 'annotations': {
			'argocd.argoproj.io/tracking-id': 'hub:argoproj.io/Application:argocd/hub'}},
			'status': {'health': {'status': 'Progressing'}, 'operationState': {'phase': 'Running'}}}`,
			"Healthy", "Manages itself"},

		{"a new package", "package", `{}`, "Progressing", "Waiting for Crossplane to install it"},
		{"a package that is unpacked", "package", conditions(`{'type': 'Installed', 'status': 'False',
			'reason': 'UnpackingPackage', 'message': ''}`), "Progressing", "Waiting for Crossplane to install it"},
		{"a package whose revision is not active yet", "package", conditions(`{'type': 'Installed', 'status': 'False',
			'reason': 'InactivePackageRevision'}`), "Progressing", "Waiting for Crossplane to install it"},
		{"a package that cannot be fetched", "package", conditions(`{'type': 'Installed', 'status': 'False',
			'reason': 'UnpackingPackage', 'message': 'cannot fetch package'}`), "Degraded", "cannot fetch package"},
		{"an installed package of unknown health", "package", conditions(`{'type': 'Installed', 'status': 'True'},
			{'type': 'Healthy', 'status': 'Unknown'}`), "Progressing", "Waiting for Crossplane to install it"},
		{"an unhealthy package", "package", conditions(`{'type': 'Installed', 'status': 'True'},
			{'type': 'Healthy', 'status': 'False', 'reason': 'UnhealthyPackageRevision'}`),
			"Degraded", "UnhealthyPackageRevision"},
		{"a healthy package", "package", conditions(`{'type': 'Healthy', 'status': 'True'},
			{'type': 'Installed', 'status': 'True'}`), "Healthy", "Installed"},

		{"a new definition", "definition", `{}`, "Progressing", "Waiting for Crossplane to establish the API"},
		{"a definition that is not established", "definition", conditions(`{'type': 'Established', 'status': 'False',
			'reason': 'TerminatingCompositeResource'}`), "Progressing", "TerminatingCompositeResource"},
		{"an established definition", "definition", conditions(`{'type': 'Established', 'status': 'True'}`),
			"Healthy", "Established"},

		{"a new composite", "composite", `{'spec': {}}`, "Progressing", "Waiting for Crossplane to compose it"},
		{"a composite that is made", "composite", conditions(`{'type': 'Synced', 'status': 'True'},
			{'type': 'Ready', 'status': 'False', 'reason': 'Creating', 'message': 'Unready resources: vpc'}`),
			"Progressing", "Unready resources: vpc"},
		{"a composite that cannot be made", "composite", conditions(`{'type': 'Synced', 'status': 'False',
			'reason': 'ReconcileError', 'message': 'no such composition'}, {'type': 'Ready', 'status': 'True'}`),
			"Degraded", "no such composition"},
		{"a paused composite", "composite", conditions(`{'type': 'Synced', 'status': 'False',
			'reason': 'ReconcilePaused'}`), "Suspended", "Paused"},
		{"a ready composite", "composite", conditions(`{'type': 'Synced', 'status': 'True'},
			{'type': 'Ready', 'status': 'True'}`), "Healthy", "Ready"},

		{"a new policy", "policy", `{}`, "Progressing", "Waiting for Kyverno to take it up"},
		{"a policy that is taken up", "policy", `{'status': {'conditionStatus': {'ready': false, 'conditions': [
			{'type': 'WebhookConfigured', 'status': 'False', 'message': 'not in the webhook'}]}}}`,
			"Progressing", "not in the webhook"},
		{"a policy that Kyverno may not report on", "policy", `{'status': {'conditionStatus': {'ready': false, 'conditions': [
			{'type': 'RBACPermissionsGranted', 'status': 'False', 'message': 'list pods'}]}}}`, "Degraded", "list pods"},
		{"a ready policy", "policy", `{'status': {'conditionStatus': {'ready': true}}}`, "Healthy", "Ready"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, message := health(t, test.script, test.object)
			if status != test.status || message != test.message {
				t.Errorf("it is %s (%s): want %s (%s)", status, message, test.status, test.message)
			}
		})
	}
}

func conditions(list string) string { return `{'status': {'conditions': [` + list + `]}}` }

// health runs a health check the way Argo CD does, with no more of Lua's libraries than Argo CD offers.
func health(t *testing.T, script, object string) (status, message string) {
	t.Helper()
	code, err := os.ReadFile("argocd/health/" + script + ".lua")
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(object, "'", `"`)), &value); err != nil {
		t.Fatal(err)
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.SetGlobal("obj", toLua(state, value))
	if err := state.DoString(string(code)); err != nil {
		t.Fatal(err)
	}
	result, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("it returned %s: want a table", state.Get(-1))
	}
	return lua.LVAsString(result.RawGetString("status")), lua.LVAsString(result.RawGetString("message"))
}

// toLua makes a Lua value of one decoded from JSON.
func toLua(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range v {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range v {
			table.Append(toLua(state, item))
		}
		return table
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	}
	return lua.LNil
}
