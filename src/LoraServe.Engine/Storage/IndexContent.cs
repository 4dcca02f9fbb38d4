using Microsoft.EntityFrameworkCore;

namespace LoraServe.Engine.Storage;

/// <summary>What a rebuilt index begins with.</summary>
/// <param name="FirstGeneration">Higher than that of any file beside it.</param>
/// <param name="Fill">Writes its rows, within a transaction.</param>
public sealed record IndexContent<TContext>(long FirstGeneration, Action<TContext> Fill)
    where TContext : DbContext;
