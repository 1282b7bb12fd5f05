package cluster

import "github.com/back-stack/backstack/internal/secrets"

// Names of the credentials that every hub keeps in its folder, one a file.
const (
	AdminPassword = "argocd-admin-password"   // of the user admin of Argo CD
	GitToken      = "gitea-token"             // of the account that may write to the repositories
	ReaderToken   = "argocd-repository-token" // of the account that may read them
	WebhookSecret = "webhook-secret"
	serverKey     = "argocd-server-key"
)

// NewCredentials returns the secrets that Argo CD starts with, as they are in a folder; those that are not there are made.
func NewCredentials(dir secrets.Dir) (*Credentials, error) {
	credentials := &Credentials{}
	for name, value := range map[string]*string{
		AdminPassword: &credentials.AdminPassword,
		serverKey:     &credentials.ServerKey,
		WebhookSecret: &credentials.WebhookSecret,
	} {
		var err error
		if *value, err = dir.Random(name); err != nil {
			return nil, err
		}
	}
	return credentials, nil
}
