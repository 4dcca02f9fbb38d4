using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Keys;

namespace LoraServe.Generation;

/// <summary>Makes a request ready to run: admits it, leases its adapters and encodes its prompts.</summary>
internal sealed class RequestPreparation(
    LlmEngine engine, RequestAdmission admission, RequestAdapters adapters, ArrivingSequences arriving, RequestAccounts accounts)
{
    /// <summary>Prepares a request; it counts as arriving meanwhile.</summary>
    /// <param name="context">The HTTP request.</param>
    /// <param name="operation">See <see cref="RequestAccount.Operation"/>.</param>
    /// <param name="parameters">What was asked for.</param>
    /// <param name="columns">At least one.</param>
    /// <exception cref="UnknownAdapterException">An adapter does not exist, or not for this key.</exception>
    /// <exception cref="InvalidRequestException">The adapters do not fit into memory together, or there are too many choices.</exception>
    public async Task<PreparedRequest> PrepareAsync(
        HttpContext context, string operation, GenerationParameters parameters, IReadOnlyList<RequestColumn> columns)
    {
        var account = accounts.Open(context, operation, parameters);
        var caller = context.User.Caller();
        var choices = columns.Sum(column => (long)column.Prompts.Count * parameters.N);
        var counted = 0L;
        try
        {
            account.Allowance = admission.Admit(caller, columns, choices);
            arriving.Add(counted = choices);
            // A request whose adapter has to be loaded keeps its place in line.
            var arrival = engine.NextArrival();
            var prepared = await adapters.PrepareAsync(columns, context.RequestAborted);
            return Reserve(new PreparedRequest(parameters, account, arrival, admission.Bound(caller, parameters, prepared, choices)), caller);
        }
        catch (Exception e)
        {
            account.Fail(e);
            throw;
        }
        finally
        {
            arriving.Add(-counted);
        }
    }

    private PreparedRequest Reserve(PreparedRequest request, Caller caller)
    {
        try
        {
            request.Account.Allowance!.Tokens = admission.Reserve(caller, request.Parameters, request.Columns);
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }
}
