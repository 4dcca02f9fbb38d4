using System.Runtime.CompilerServices;
using System.Text;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Text.Tokenizers;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Engine.Chat;

/// <summary>
/// A base model and its adapters in this process: text in, text out. Safe for concurrent use; concurrent requests share batches.
/// </summary>
public sealed class LocalModel : IAsyncDisposable
{
    private readonly string? _temporaryFolder;

    private LocalModel(LlmEngine engine, string? temporaryFolder) => (Engine, _temporaryFolder) = (engine, temporaryFolder);

    /// <summary>The underlying engine: tokens instead of text, adapter versions, metrics.</summary>
    public LlmEngine Engine { get; }

    /// <summary>Loads a base model whose adapters live as long as this object.</summary>
    /// <param name="folder">config.json, safetensors, tokenizer.json.</param>
    /// <param name="cancellationToken">Looked at before loading begins; loading itself takes seconds and is not interrupted.</param>
    /// <exception cref="InvalidCheckpointException">The model cannot be served.</exception>
    /// <exception cref="InvalidTokenizerException">Its tokenizer.json cannot be used.</exception>
    /// <exception cref="DllNotFoundException">The native libraries cannot be loaded.</exception>
    public static async Task<LocalModel> LoadAsync(string folder, CancellationToken cancellationToken = default)
    {
        var temporary = Directory.CreateTempSubdirectory("loraserve-").FullName;
        try
        {
            return new LocalModel(await LoadEngineAsync(new EngineOptions { Model = folder, Data = temporary }, null, cancellationToken), temporary);
        }
        catch
        {
            Directory.Delete(temporary, recursive: true);
            throw;
        }
    }

    /// <summary>Loads a base model; adapters are kept in <see cref="EngineOptions.Data"/>, and those already there are served.</summary>
    /// <param name="options">Folders, memory and limits.</param>
    /// <param name="loggers">Receives the engine's log; null for none.</param>
    /// <param name="cancellationToken">Looked at before loading begins; loading itself takes seconds and is not interrupted.</param>
    /// <exception cref="InvalidCheckpointException">The model cannot be served.</exception>
    /// <exception cref="InvalidTokenizerException">Its tokenizer.json cannot be used.</exception>
    /// <exception cref="InvalidAdapterException">Adapters of <see cref="EngineOptions.Adapters"/> are refused.</exception>
    /// <exception cref="IOException">The data folder cannot be used, or another process uses it.</exception>
    /// <exception cref="DllNotFoundException">The native libraries cannot be loaded.</exception>
    public static async Task<LocalModel> LoadAsync(
        EngineOptions options, ILoggerFactory? loggers = null, CancellationToken cancellationToken = default) =>
        new(await LoadEngineAsync(options, loggers, cancellationToken), temporaryFolder: null);

    /// <summary>Checks a PEFT folder and adds it under a name, which must be unused or already have the same content.</summary>
    /// <param name="name">Its name in requests.</param>
    /// <param name="folder">adapter_config.json and adapter_model.safetensors, optionally with chat template files.</param>
    /// <param name="cancellationToken">Ends it before the adapter is stored.</param>
    /// <exception cref="InvalidAdapterException">It does not fit the base; the message lists every fault.</exception>
    /// <exception cref="IOException">The folder cannot be read, or the adapter not be stored.</exception>
    public async Task<AdapterInfo> AddAdapterAsync(string name, string folder, CancellationToken cancellationToken = default)
    {
        using var upload = Engine.Adapters.BeginUpload();
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            await using var file = File.OpenRead(path);
            await upload.ReadFileAsync(Path.GetFileName(path), file, cancellationToken);
        }

        return await Engine.Adapters.AddAsync(name, upload, new AddOptions(), cancellationToken);
    }

    /// <summary>The text that follows a prompt.</summary>
    /// <inheritdoc cref="StreamAsync"/>
    public async Task<string> CompleteAsync(
        string prompt, string? adapter = null, SamplingParams? sampling = null, CancellationToken cancellationToken = default)
    {
        var text = new StringBuilder();
        await foreach (var piece in StreamAsync(prompt, adapter, sampling, cancellationToken)) text.Append(piece);
        return text.ToString();
    }

    /// <summary>The text that follows a prompt, in pieces of whole characters as it is generated.</summary>
    /// <param name="prompt">Any text.</param>
    /// <param name="adapter">"name", "name@version" or a mix "a:0.7,b:0.3"; null is the base.</param>
    /// <param name="sampling">
    /// How to sample and how many tokens; null: the model's recommendations, until the end of the answer or of the context.
    /// </param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <exception cref="UnknownAdapterException">There is no such adapter.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The adapter reference cannot be parsed.</exception>
    /// <exception cref="ArgumentException">A sampling parameter is out of range, or the prompt has no tokens.</exception>
    /// <exception cref="ContextLengthExceededException">Prompt and answer do not fit into the context or the KV cache.</exception>
    /// <exception cref="EngineOverloadedException">Too many sequences are already waiting.</exception>
    /// <exception cref="GenerationFailedException">A step of the engine failed.</exception>
    public async IAsyncEnumerable<string> StreamAsync(
        string prompt,
        string? adapter = null,
        SamplingParams? sampling = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var lease = await AcquireAsync(adapter, cancellationToken);
        using var text = Start(Engine.Tokenizer.Encode(prompt, cancellation: cancellationToken), lease, sampling);
        await foreach (var part in text.ReadAsync(cancellationToken))
        {
            if (part.Length > 0) yield return part;
        }
    }

    /// <summary>The model as a chat client of Microsoft.Extensions.AI, with the chat template of the adapter or the base.</summary>
    /// <param name="adapter">The adapter for requests that name no model; null is the base. The client is usable as long as this object.</param>
    public IChatClient AsChatClient(string? adapter = null) => new LocalChatClient(this, adapter);

    /// <summary>Ends running requests, frees the model and deletes its temporary adapter folder.</summary>
    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        if (_temporaryFolder is not null && Directory.Exists(_temporaryFolder)) Directory.Delete(_temporaryFolder, recursive: true);
    }

    /// <summary>An adapter, held in memory until the lease is disposed.</summary>
    internal ValueTask<AdapterLease> AcquireAsync(string? adapter, CancellationToken cancellationToken) =>
        adapter is null ? ValueTask.FromResult(AdapterLease.Base()) : Engine.Adapters.AcquireAsync(adapter, cancellationToken);

    /// <summary>Starts to generate; the lease stays the caller's.</summary>
    internal GeneratedText Start(IReadOnlyList<int> prompt, AdapterLease lease, SamplingParams? sampling)
    {
        sampling ??= Engine.Model.DefaultSampling with { MaxTokens = Engine.RoomAfter(prompt.Count) };
        SamplingRanges.Check(sampling, Engine.Model.VocabularySize);
        var request = new GenerationRequest { Prompt = prompt, Sampling = sampling, Adapter = lease.Share() };
        return new GeneratedText(Engine.Tokenizer, Engine.Submit(request), prompt);
    }

    private static Task<LlmEngine> LoadEngineAsync(EngineOptions options, ILoggerFactory? loggers, CancellationToken cancellationToken) =>
        Task.Run(() => LlmEngine.Load(options, progress: null, loggers ?? NullLoggerFactory.Instance), cancellationToken);
}
