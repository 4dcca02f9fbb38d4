using LoraServe.Api;
using LoraServe.Api.Completions;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Benchmarks.Streams;

/// <summary>The server in this process, so that its engine can be driven with and without HTTP.</summary>
internal sealed class StreamsServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _data = Directory.CreateTempSubdirectory("loraserve-streams-").FullName;
    private readonly WebApplication _app;

    private StreamsServer(StreamsOptions options)
    {
        var builder = ServerConfiguration.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["LoraServe:Model"] = options.Model,
            ["LoraServe:Data"] = _data,
            ["LoraServe:Dtype"] = options.Dtype,
            ["LoraServe:Threads"] = $"{options.Threads}",
            ["LoraServe:MaxNumSeqs"] = $"{options.Streams}",
            ["LoraServe:KvCacheMemory"] = "1024",
        });
        builder.AddLoraServe();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.UseApiConventions();
        _app.MapCompletions();
    }

    /// <summary>Its engine.</summary>
    public LlmEngine Engine => _app.Services.GetRequiredService<EngineService>().Engine;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Starts it, and waits for its engine.</summary>
    public static async Task<StreamsServer> StartAsync(StreamsOptions options)
    {
        var server = new StreamsServer(options);
        await server._app.StartAsync();
        await server._app.Services.GetRequiredService<EngineService>().WhenReadyAsync(CancellationToken.None).WaitAsync(Patience);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }
}
