using LoraServe.Api;
using LoraServe.Api.Files;
using LoraServe.Files;
using LoraServe.Jobs;
using LoraServe.Jobs.Storage;
using LoraServe.Storage;

namespace LoraServe.Training;

/// <summary>Registers the services of files, trainings, evaluations and rank studies.</summary>
internal static class TrainingServices
{
    public static IServiceCollection AddTraining(this IServiceCollection services)
    {
        services.AddSingleton(provider => JobDatabase.Open(
            provider.GetRequiredService<DataFolder>(), provider.GetRequiredService<LoraServeOptions>().RebuildRegistry, provider.GetRequiredService<ILogger<JobDatabase>>()));
        services.AddSingleton<JobStore>().AddSingleton<JobFolders>().AddSingleton<JobTidying>().AddSingleton<JobDeletion>().AddSingleton<JobQueue>().AddSingleton<JobMetrics>();
        services.AddSingleton<JobOwners>().AddSingleton<JobActivity>().AddSingleton<JobEnding>().AddSingleton<JobWorker>();
        services.AddSingleton<FileStore>().AddSingleton<FileUploads>();
        services.AddSingleton<TrainingMetrics>().AddSingleton<TrainedAdapters>().AddSingleton<Promotions>();
        // Jobs can be deleted before the engine is loaded; they need it only once they run.
        services.AddSingleton(provider => new Lazy<TrainedAdapters>(provider.GetRequiredService<TrainedAdapters>));
        services.AddSingleton<TrainingJournals>().AddSingleton<FineTuner>().AddSingleton<FineTuningOrders>().AddSingleton<JobControl>();
        services.AddSingleton<JobKind>(provider => provider.GetRequiredService<FineTuner>());
        services.AddSingleton<JobKind, Evaluating>();
        services.AddSingleton<JobKind, RankStudying>();
        if (!ApiDescription.IsBeingGenerated) services.AddHostedService<JobSweep>();
        // Registered after the engine, so that it stops first and running trainings can save a checkpoint.
        if (!ApiDescription.IsBeingGenerated) services.AddHostedService<JobLoops>();
        return services;
    }
}
