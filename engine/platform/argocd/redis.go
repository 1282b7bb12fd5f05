package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"
)

// expiryInterval is how exact the expiry of keys is. Argo CD's caches live for minutes and more.
const expiryInterval = time.Second

type redisOptions struct {
	addr         string
	certFile     string
	keyFile      string
	passwordFile string
}

// newRedisCommand returns the command that serves a Redis of the size that Argo CD's caches need: in memory, over TLS,
// for callers who know the password.
func newRedisCommand() *cobra.Command {
	o := &redisOptions{}
	cmd := &cobra.Command{
		Use:          "redis",
		Short:        "Serve Argo CD's caches over the Redis protocol until SIGTERM",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE:         func(*cobra.Command, []string) error { return o.run() },
	}
	cmd.Flags().StringVar(&o.addr, "addr", "127.0.0.1:6379", "address to listen on")
	cmd.Flags().StringVar(&o.certFile, "tls-cert", "", "PEM file of the server's certificate (required)")
	cmd.Flags().StringVar(&o.keyFile, "tls-key", "", "PEM file of the certificate's key (required)")
	cmd.Flags().StringVar(&o.passwordFile, "password-file", "", "file that holds the password of every caller (required)")
	for _, name := range []string{"tls-cert", "tls-key", "password-file"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that is not defined above
		}
	}
	return cmd
}

func (o *redisOptions) run() error {
	certificate, err := tls.LoadX509KeyPair(o.certFile, o.keyFile)
	if err != nil {
		return fmt.Errorf("reading the server's certificate: %w", err)
	}
	password, err := readPassword(o.passwordFile)
	if err != nil {
		return err
	}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)

	redis := miniredis.NewMiniRedis()
	redis.RequireAuth(password)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if err := redis.StartAddrTLS(o.addr, config); err != nil {
		return fmt.Errorf("serving Redis: %w", err)
	}
	defer redis.Close()
	fmt.Fprintf(os.Stderr, "serving Redis on %s\n", redis.Addr())

	// Keys expire only when they are told that time has passed.
	ticker := time.NewTicker(expiryInterval)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-stop:
			return nil
		case now := <-ticker.C:
			redis.FastForward(now.Sub(last))
			last = now
		}
	}
}

// readPassword returns what a file holds, without a final line break.
func readPassword(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	data = bytes.TrimRight(data, "\r\n")
	if len(data) == 0 {
		return "", fmt.Errorf("reading the password: %w", errors.New(path+" is empty"))
	}
	return string(data), nil
}
