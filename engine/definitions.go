package engine

// What follows makes the definitions that a hub serves half as large: before, they were most of what the API server had
// in memory.

// argocdTrims leave the ApplicationSet. It describes the fields of an Application anew in each of its nine generators,
// and the generators anew in those that combine others: 9,700 fields, more than all other definitions of Argo CD and
// Crossplane together.
func argocdTrims() []trim {
	return []trim{{
		definition: "applicationsets.argoproj.io",
		fields: []string{
			"spec.generators[].matrix.generators[]",
			"spec.generators[].merge.generators[]",
			"spec.generators[].*.template.spec",
		},
	}}
}

// crossplaneTrims leave out the Pod in a DeploymentRuntimeConfig, which is that of `kubectl explain pod`.
func crossplaneTrims() []trim {
	return []trim{{
		definition: "deploymentruntimeconfigs.pkg.crossplane.io",
		fields:     []string{"spec.deploymentTemplate.spec.template.spec"},
	}}
}

// kyvernoTrims leave of each kind of policy the version that Kyverno itself uses and the newest, without what Kyverno
// writes into a status that repeats the spec for other kinds; and no descriptions of the kinds that policies.kyverno.io
// replaces.
func kyvernoTrims() []trim {
	autogen := []string{"status.autogen"}
	var trims []trim
	for _, name := range []string{"clusterpolicies", "policies"} {
		trims = append(trims, trim{
			definition: name + ".kyverno.io", versions: []string{"v2beta1"}, fields: autogen, silent: true,
		})
	}
	for _, name := range []string{"clustercleanuppolicies", "cleanuppolicies", "policyexceptions"} {
		trims = append(trims, trim{definition: name + ".kyverno.io", versions: []string{"v2beta1"}, silent: true})
	}
	for _, name := range []string{"validatingpolicies", "mutatingpolicies", "imagevalidatingpolicies"} {
		trims = append(trims,
			trim{definition: name + ".policies.kyverno.io", versions: []string{"v1alpha1"}, fields: autogen},
			trim{definition: "namespaced" + name + ".policies.kyverno.io", fields: autogen},
		)
	}
	for _, name := range []string{"generatingpolicies", "deletingpolicies", "policyexceptions"} {
		trims = append(trims, trim{definition: name + ".policies.kyverno.io", versions: []string{"v1alpha1"}})
	}
	return trims
}
