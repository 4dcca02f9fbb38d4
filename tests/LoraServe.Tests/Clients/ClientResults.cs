using System.Text.Json;

namespace LoraServe.Tests.Clients;

/// <summary>The server and what each client gave for each of its cases.</summary>
public sealed class ClientResults : IAsyncLifetime
{
    private readonly Dictionary<string, Task<JsonElement>> _ofNode = [];

    /// <summary>What the clients talk to.</summary>
    public ScriptedServer Server { get; } = new();

    private string BaseUrl => new Uri(Server.Client.BaseAddress!, "/v1").ToString();

    public ValueTask InitializeAsync() => Server.InitializeAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>What one case of a client gave. A client of Node.js runs all of its cases in one process, the first time.</summary>
    public async Task<JsonElement> OfAsync(string client, string name)
    {
        if (client == ClientCases.Curl && ClientProcess.Version("curl") is null) Assert.Skip("curl is not installed.");
        var result = client switch
        {
            ClientCases.DotNet => JsonSerializer.SerializeToElement(await new OpenAIDotNetClient(BaseUrl).Cases[name]()),
            ClientCases.ExtensionsAI => JsonSerializer.SerializeToElement(await new ExtensionsAIClient(BaseUrl).Cases[name]()),
            ClientCases.Curl => JsonSerializer.SerializeToElement(await new CurlClient(BaseUrl).Cases[name]()),
            _ => (await OfNodeAsync(client)).GetProperty(name),
        };
        if (result.TryGetProperty("unexpected", out var fault)) fault.ToString().ShouldBeEmpty();
        return result;
    }

    /// <summary>Every case of a client, for checking that each is listed.</summary>
    public async Task<IEnumerable<string>> NamesAsync(string client) => client switch
    {
        ClientCases.DotNet => new OpenAIDotNetClient(BaseUrl).Cases.Keys,
        ClientCases.ExtensionsAI => new ExtensionsAIClient(BaseUrl).Cases.Keys,
        ClientCases.Curl => new CurlClient(BaseUrl).Cases.Keys,
        _ => (await OfNodeAsync(client)).EnumerateObject().Select(result => result.Name),
    };

    private Task<JsonElement> OfNodeAsync(string client)
    {
        NodePackages.SkipWithoutNode();
        if (!_ofNode.TryGetValue(client, out var results)) _ofNode.Add(client, results = RunAsync());
        return results;

        async Task<JsonElement> RunAsync() =>
            JsonSerializer.Deserialize<JsonElement>(await NodePackages.RunAsync("run.mjs", client, BaseUrl));
    }
}
