// Package forge is a Git server that is not the hub's own, as somebody's company has one: a real Gitea, with repositories,
// protected branches, and tokens that may do more or less.
package forge

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"

	"code.gitea.io/sdk/gitea"

	"github.com/back-stack/backstack/internal/gitops"
)

// owner is who the repositories belong to.
const owner = "platform-team"

// Tokens may do this.
var (
	ReadAndWrite = []gitea.AccessTokenScope{"write:repository"}
	ReadOnly     = []gitea.AccessTokenScope{"read:repository"}
)

// Forge is a server that runs.
type Forge struct {
	url   string
	ca    []byte
	http  *http.Client
	admin *gitea.Client
	owner *gitea.Client
}

// New uses the Gitea at url, whose certificate comes from the authority ca, with the token of an administrator. The account
// that the repositories belong to is made.
func New(t testing.TB, url string, ca []byte, token string) *Forge {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("the authority of the Git server is no certificate")
	}
	f := &Forge{url: url, ca: ca, http: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}}
	f.admin = f.client(t, gitea.SetToken(token))
	password, no := rand.Text(), false
	_, _, err := f.admin.AdminCreateUser(gitea.CreateUserOption{
		Username: owner, Email: owner + "@example.com", Password: password, MustChangePassword: &no,
	})
	if err != nil {
		t.Fatalf("making the account %s: %v", owner, err)
	}
	f.owner = f.client(t, gitea.SetBasicAuth(owner, password))
	return f
}

func (f *Forge) client(t testing.TB, as gitea.ClientOption) *gitea.Client {
	t.Helper()
	client, err := gitea.NewClient(f.url, as, gitea.SetHTTPClient(f.http))
	if err != nil {
		t.Fatalf("connecting to %s: %v", f.url, err)
	}
	return client
}

// Token makes a token of the repositories' owner.
func (f *Forge) Token(t testing.TB, scopes []gitea.AccessTokenScope) string {
	t.Helper()
	token, _, err := f.owner.CreateAccessToken(gitea.CreateAccessTokenOption{Name: rand.Text(), Scopes: scopes})
	if err != nil {
		t.Fatalf("making a token: %v", err)
	}
	return token.Token
}

// Repository makes a repository and returns its address. It is empty, or has a README on main.
func (f *Forge) Repository(t testing.TB, name string, empty bool) string {
	t.Helper()
	if _, _, err := f.owner.CreateRepo(gitea.CreateRepoOption{
		Name: name, Private: true, AutoInit: !empty, DefaultBranch: "main",
	}); err != nil {
		t.Fatalf("making the repository %s: %v", name, err)
	}
	return f.Address(name)
}

// Address is where a repository of that name is, or would be.
func (f *Forge) Address(name string) string { return f.url + "/" + owner + "/" + name + ".git" }

// Protect lets nobody push to the branch main of a repository.
func (f *Forge) Protect(t testing.TB, name string) {
	t.Helper()
	if _, _, err := f.owner.CreateBranchProtection(owner, name, gitea.CreateBranchProtectionOption{
		RuleName: "main", EnablePush: false,
	}); err != nil {
		t.Fatalf("protecting the branch main of %s: %v", name, err)
	}
}

// Unprotect takes that back.
func (f *Forge) Unprotect(t testing.TB, name string) {
	t.Helper()
	if _, err := f.owner.DeleteBranchProtection(owner, name, "main"); err != nil {
		t.Fatalf("taking the protection from the branch main of %s: %v", name, err)
	}
}

// Open is a repository as backstack uses it.
func (f *Forge) Open(address, token string) gitops.Repository {
	return gitops.Repository{URL: address, Username: "x-access-token", Token: token, CA: f.ca}
}
