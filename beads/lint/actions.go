package lint

import (
	"slices"
	"strings"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// actions are those that Backstage and its modules for source hosts have
// (https://backstage.io/docs/features/software-templates/builtin-actions), and one that none of them has.
func actions() []string {
	return []string{
		"catalog:fetch", "catalog:register", "catalog:write", "catalog:template:version",
		"confluence:transform:markdown", "debug:log", "debug:wait",
		"fetch:cookiecutter", "fetch:plain", "fetch:plain:file", "fetch:rails", "fetch:template", "fetch:template:file",
		"fs:delete", "fs:read", "fs:readdir", "fs:rename",
		"github:actions:dispatch", "github:autolinks:create", "github:branch-protection:create", "github:deployKey:create",
		"github:environment:create", "github:issues:create", "github:issues:label", "github:pages:enable",
		"github:repo:create", "github:repo:push", "github:webhook",
		"gitlab:group:ensureExists", "gitlab:issue:edit", "gitlab:issues:create",
		"gitlab:pipeline:trigger", "gitlab:projectAccessToken:create", "gitlab:projectDeployToken:create", "gitlab:projectVariable:create",
		"gitlab:repo:push", "gitlab:user:info", "kubernetes:create-namespace", "notification:send",
		"publish:gitea:pull-request", // the portal has to bring it, for requests.git: Backstage has publish:gitea alone
		"publish:azure", "publish:bitbucketCloud", "publish:bitbucketCloud:pull-request", "publish:bitbucketServer",
		"publish:bitbucketServer:pull-request", "publish:gerrit", "publish:gerrit:review", "publish:gitea",
		"publish:github", "publish:github:pull-request", "publish:gitlab", "publish:gitlab:merge-request",
		"bitbucket:pipelines:run", "sentry:project:create",
	}
}

// knownAction says whether Backstage has an action.
func knownAction(action string) bool { return slices.Contains(actions(), action) }

// nearestAction says which actions there are that one may have been meant for.
func nearestAction(action string) string {
	if nearest, ok := strictyaml.Nearest(action, actions()); ok {
		return "did you mean " + nearest + "?"
	}
	family, _, _ := strings.Cut(action, ":")
	var same []string
	for _, known := range actions() {
		if strings.HasPrefix(known, family+":") {
			same = append(same, known)
		}
	}
	if len(same) > 0 {
		return "want one of " + strings.Join(same, ", ")
	}
	return "want a built-in one, such as fetch:template or publish:gitea"
}
