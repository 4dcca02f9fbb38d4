using LoraServe.Engine.Generation;
using LoraServe.Engine.Sequences;

namespace LoraServe.Generation;

/// <summary>Submits prepared requests to the engine.</summary>
internal sealed class GenerationStart(LlmEngine engine)
{
    /// <summary>Submits one sequence for each prompt and choice, all at once so that they share batches.</summary>
    /// <param name="response">If one adapter answers, the header x-loraserve-adapter names it.</param>
    /// <param name="request">Still the caller's, who disposes it.</param>
    /// <exception cref="EngineOverloadedException">The queue is full; nothing of the request runs on.</exception>
    public GenerationRun Start(HttpResponse response, PreparedRequest request)
    {
        var columns = new List<GenerationColumn>();
        try
        {
            foreach (var column in request.Columns)
            {
                var started = new GenerationColumn(engine, request.Parameters, column);
                columns.Add(started);
                Submit(started, column, request, columns.Sum(other => other.Choices.Count));
                request.Account.NoteFirstTokens(started);
            }

            if (columns is [var single]) response.Headers["x-loraserve-adapter"] = single.Adapter;
            return new GenerationRun(request.Account, columns);
        }
        catch (Exception e)
        {
            foreach (var column in columns) column.Dispose();
            request.Account.Fail(e);
            throw;
        }
    }

    private void Submit(GenerationColumn started, PreparedColumn column, PreparedRequest request, int firstIndex)
    {
        var (parameters, caller) = (request.Parameters, request.Account.Caller);
        foreach (var prompt in column.Prompts)
        {
            var text = new PromptText(prompt, engine.Tokenizer, parameters.SkipSpecialTokens);
            for (var choice = 0; choice < parameters.N; choice++)
            {
                var sequence = engine.Submit(new GenerationRequest
                {
                    Prompt = prompt.Ids,
                    Sampling = parameters.ToSampling(choice, prompt.MaxTokens),
                    Adapter = column.Adapter.Share(),
                    Arrival = request.Arrival,
                    Owner = caller.Owner,
                    Mode = parameters.Mode,
                    CacheSalt = caller.CacheSalt(parameters.CacheSalt),
                });
                started.Add(new ChoiceStream(parameters, engine.Tokenizer, firstIndex + started.Choices.Count, prompt, text, sequence));
            }
        }
    }
}
