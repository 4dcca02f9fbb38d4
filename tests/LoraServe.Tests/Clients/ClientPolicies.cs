using System.ClientModel.Primitives;

namespace LoraServe.Tests.Clients;

/// <summary>Adds a query parameter to every request of an OpenAI client.</summary>
internal sealed class QueryPolicy(string name, string value) : PipelinePolicy
{
    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Add(message);
        ProcessNext(message, pipeline, currentIndex);
    }

    public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Add(message);
        return ProcessNextAsync(message, pipeline, currentIndex);
    }

    private void Add(PipelineMessage message) =>
        message.Request.Uri = new UriBuilder(message.Request.Uri!) { Query = $"{name}={value}" }.Uri;
}

/// <summary>Tells of the status of every answer, those that are tried again included.</summary>
internal sealed class AnswerPolicy(Func<int, Task> answered) : PipelinePolicy
{
    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) =>
        throw new NotSupportedException("The tests are asynchronous.");

    public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        await ProcessNextAsync(message, pipeline, currentIndex);
        await answered(message.Response!.Status);
    }
}
