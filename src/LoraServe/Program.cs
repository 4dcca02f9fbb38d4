using LoraServe;
using LoraServe.Adapters;
using LoraServe.Audit;
using LoraServe.Chat;
using LoraServe.Compare;
using LoraServe.Completions;
using LoraServe.Engine.Storage;
using LoraServe.Evaluations;
using LoraServe.Files;
using LoraServe.Hosting;
using LoraServe.Keys;
using LoraServe.Metrics;
using LoraServe.Models;
using LoraServe.RankStudies;
using LoraServe.Tokenization;
using LoraServe.Training;

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
