// One call of HashiCorp's client for Go, as a program: reads a request as JSON and prints what the client made of the answer.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"

	vault "github.com/hashicorp/vault/api"
)

type asked struct {
	URL, Token, Mount, Path, Do string
}

type told struct {
	Error  string   `json:"error,omitempty"`
	Status int      `json:"status,omitempty"`
	Texts  []string `json:"texts,omitempty"`
	Value  any      `json:"value,omitempty"`
}

func do(in asked) (any, error) {
	config := vault.DefaultConfig()
	config.Address = in.URL
	config.MaxRetries = 0
	client, err := vault.NewClient(config)
	if err != nil {
		return nil, err
	}
	client.SetToken(in.Token)
	ctx := context.Background()
	kv := client.KVv2(in.Mount)
	switch in.Do {
	case "write":
		written, err := kv.Put(ctx, in.Path, map[string]any{"written": "by Go"})
		if err != nil {
			return nil, err
		}
		return written.VersionMetadata.Version > 0, nil
	case "list":
		found, err := client.Logical().ListWithContext(ctx, in.Mount+"/metadata/"+in.Path)
		if err != nil || found == nil {
			return nil, err
		}
		names := []string{}
		for _, key := range found.Data["keys"].([]any) {
			names = append(names, key.(string))
		}
		sort.Strings(names)
		return names, nil
	default:
		found, err := kv.Get(ctx, in.Path)
		if err != nil {
			return nil, err
		}
		return found.Data, nil
	}
}

func main() {
	var in asked
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	out := told{}
	value, err := do(in)
	var response *vault.ResponseError
	switch {
	case err == nil:
		out.Value = value
	case errors.Is(err, vault.ErrSecretNotFound):
		out.Error = "ErrSecretNotFound"
	case errors.As(err, &response):
		out.Error, out.Status, out.Texts = "ResponseError", response.StatusCode, response.Errors
	default:
		out.Error = fmt.Sprintf("%T", err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}
