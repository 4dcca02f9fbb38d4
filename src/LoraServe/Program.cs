using LoraServe;
using LoraServe.Api;
using LoraServe.Api.Adapters;
using LoraServe.Api.Audit;
using LoraServe.Api.Chat;
using LoraServe.Api.Compare;
using LoraServe.Api.Completions;
using LoraServe.Api.Evaluations;
using LoraServe.Api.Files;
using LoraServe.Api.FineTuning;
using LoraServe.Api.Health;
using LoraServe.Api.Keys;
using LoraServe.Api.Metrics;
using LoraServe.Api.Models;
using LoraServe.Api.RankStudies;
using LoraServe.Api.Tokenization;
using LoraServe.Commands;
using LoraServe.Engine.Storage;
using LoraServe.Hosting;

return await CommandLine.RunAsync(args, ServeAsync);

static Task<int> ServeAsync(IReadOnlyDictionary<string, string?> commandLine)
{
    OwnerOnly.CreateAll();
    var builder = ServerConfiguration.CreateBuilder();
    builder.Configuration.AddInMemoryCollection(commandLine);
    builder.AddLoraServe();

    var app = builder.Build();
    app.UseApiConventions();
    app.MapCompletions();
    app.MapTokenization();
    app.MapChat();
    app.MapCompare();
    app.MapAdapters();
    app.MapAdapterVersions();
    app.MapAdapterMerge();
    app.MapAdapterEffect();
    app.MapAdapterArchive();
    app.MapLoraAdapters();
    app.MapFiles();
    app.MapFineTuning();
    app.MapEvaluations();
    app.MapRankStudies();
    app.MapModels();
    app.MapKeys();
    app.MapAudit();
    app.MapHealth();
    app.MapMetrics();
    app.MapApiDescription();
    return app.ServeAsync();
}
